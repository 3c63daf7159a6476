"""The address that Take part had before: links that reviewers were given still open it."""

from __future__ import annotations

import streamlit as st

from pages.shell import frame

frame.guard("Take part")
st.switch_page(frame.TAKE_PART, query_params=st.query_params.to_dict())
