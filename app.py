"""ProtoECG in the browser: `streamlit run app.py`."""

import streamlit as st

from pages.shared import frame

frame.configure("ProtoECG")
st.navigation(
    [
        st.Page("pages/explain.py", title="Explain", icon=":material/ecg_heart:", default=True),
        st.Page("pages/library.py", title="Library", icon=":material/library_books:"),
        st.Page("pages/rate.py", title="Rate", icon=":material/rate_review:"),
        st.Page("pages/results.py", title="Results", icon=":material/bar_chart:"),
    ],
    position="top",
).run()
