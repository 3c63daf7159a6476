"""ProtoECG in the browser: `streamlit run app.py`."""

import streamlit as st
from starlette.middleware import Middleware

from pages.server import defects, gate, lifetime, logs
from pages.shell.access import coordinators

logs.keep_clean()
coordinators.refuse_short_key()
app = st.App(
    "pages/shell/main.py",
    lifespan=lifetime.lifespan,
    middleware=[Middleware(gate.Gate)],
    on_script_error=defects.show,
)
