"""Memory that was freed goes back to the system: what was uploaded and removed still stands in it.

Only glibc, so Linux, has calls for it; elsewhere nothing happens.
"""

from __future__ import annotations

import ctypes
from contextlib import suppress

# Of malloc.h.
_ARENA_MAX = -8


def keep_one_heap() -> None:
    """Have threads share a heap: of those that they would have, the last part never goes back.

    For the start of a server; a thread that has a heap of its own keeps it.
    """
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)


def give_back() -> None:
    """Hand all whole pages that are free back to the system."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
