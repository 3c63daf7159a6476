"""What Streamlit runs for every page; `app.py` serves it."""

from pages.shell import frame

frame.navigation().run()
