"""What pages need is loaded while the browser still fetches what draws them.

Loaded before the server answers it would keep the browser waiting, loaded by the first page it
would begin only then. Python looks for garbage seldom meanwhile, and never again among what stays:
half a million objects, for which all threads stand still each time for a quarter of a second.
"""

from __future__ import annotations

import gc
from importlib import import_module
from threading import Thread

# Each imports what its pages have in common with others; a page itself would run.
MODULES = ("pages.explanation.finding", "pages.explanation.landing", "pages.explanation.earlier")
# So many new objects at least before Python looks through them; the first of three generations.
OBJECTS = 50_000


def _load() -> None:
    for module in MODULES:
        import_module(module)
    gc.freeze()


_loading = Thread(target=_load, name="warming", daemon=True)


def begin() -> None:
    """Load them in the background, once."""
    if _loading.ident is None:
        gc.set_threshold(OBJECTS, *gc.get_threshold()[1:])
        _loading.start()


def wait() -> None:
    """Return once they are loaded: two threads that load the same modules disturb each other."""
    if _loading.ident is not None:
        _loading.join()
