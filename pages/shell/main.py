"""What Streamlit runs for every page; `app.py` serves it."""

from pages.shell import warming

warming.wait()

# Only then, as two threads that load the same modules disturb each other.
from pages.shell import frame  # noqa: E402
from pages.shell.runs import runs  # noqa: E402

with runs().one():
    frame.navigation().run()
