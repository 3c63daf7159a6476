"""What is done when the server starts, and when it ends, whatever ends it."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import streamlit as st

from pages.shell import memory, warming
from protoecg.storage.temporary import remove_leftovers

# Some six are open for each tab; shells and systemd give a process 1,024 unless it asks for more.
OPEN_FILES = 65_536


def allow_open_files() -> None:
    """Let this process have more files and connections open, as far as it may."""
    if sys.platform == "win32":
        return
    import resource

    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
    if now == resource.RLIM_INFINITY or now >= wanted:
        return
    # macOS refuses more than its kernel has.
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Leave all ratings in their file, and nothing of patients in temporary folders.

    A signal that ends this server ends Python without more; what a kill left goes at the start.
    """
    allow_open_files()
    memory.keep_one_heap()
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
