"""What is done when the server starts, and when it ends, whatever ends it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st

from pages.shell import warming
from protoecg.storage.temporary import remove_leftovers


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Leave all ratings in their file, and nothing of patients in temporary folders.

    A signal that ends this server ends Python without more; what a kill left goes at the start.
    """
    remove_leftovers()
    warming.begin()
    try:
        yield
    finally:
        warming.wait()
        from pages.batches.archives import batches
        from review_db import flush

        flush()
        batches().close()
