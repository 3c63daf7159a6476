"""ProtoECG in the browser: `streamlit run app.py`."""

from pages.shared import frame

frame.navigation().run()
