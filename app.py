"""ProtoECG in the browser: `streamlit run app.py`."""

from pages.shell import frame

frame.navigation().run()
