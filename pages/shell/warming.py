"""What pages need is loaded while the browser still fetches what draws them.

Loaded before the server answers it would keep the browser waiting, loaded by the first page it
would begin only then. Python looks for garbage seldom, and never again among what stays: half a
million objects, for which all threads stand still each time for a quarter of a second. Sessions
that are over are such garbage, so once a minute it looks all the same.
"""

from __future__ import annotations

import gc
import time
from importlib import import_module
from threading import Thread

from pages.shell import memory

# Each imports what its pages have in common with others; a page itself would run.
MODULES = ("pages.explanation.finding", "pages.explanation.landing", "pages.explanation.earlier")
# So many new objects at least before Python looks through them; the first of three generations.
OBJECTS = 50_000
EVERY_S = 60.0


def _load() -> None:
    for module in MODULES:
        import_module(module)
    gc.freeze()


def _collect() -> None:
    while True:
        time.sleep(EVERY_S)
        gc.collect()
        memory.give_back()


_loading = Thread(target=_load, name="warming", daemon=True)


def begin() -> None:
    """Load them in the background, once."""
    if _loading.ident is None:
        gc.set_threshold(OBJECTS, *gc.get_threshold()[1:])
        _loading.start()
        Thread(target=_collect, name="garbage", daemon=True).start()


def wait() -> None:
    """Return once they are loaded: two threads that load the same modules disturb each other."""
    if _loading.ident is not None:
        _loading.join()
