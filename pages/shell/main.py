"""What Streamlit runs for every page; `app.py` serves it."""

from pages.shell import frame
from pages.shell.runs import runs

with runs().one():
    frame.navigation().run()
