"""What is done when the server ends, whatever ends it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st

from review_db import flush


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Leave all ratings in their file: a signal that ends this server ends Python without more."""
    try:
        yield
    finally:
        flush()
