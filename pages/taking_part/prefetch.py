"""Two places for pictures: one in sight, and one in which the next pictures are drawn ahead.

A picture keeps its place from when it is drawn ahead until it is left, so that the browser has
only to show it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

# A browser paints what is in sight within it, and is only then kept busy by what is not.
PAINT_S = 0.15
# Out of sight, it keeps its width, or figures would be drawn for another one.
_STYLE = """
<style>
.st-key-pictures {{ position: relative; }}
.st-key-pictures-{hidden} {{
  position: absolute; inset: 0 0 auto; height: 0; overflow: hidden; visibility: hidden;
}}
</style>
"""


@dataclass
class _Held:
    """The names of what both places hold, "" for nothing and None where a run was cut short."""

    names: list[str | None] = field(default_factory=lambda: ["", ""])
    in_sight: int = 1

    def turn_to(self, name: str) -> None:
        other = self.names[1 - self.in_sight]
        # What nobody foresaw takes an empty place: a browser draws what is replaced once more.
        if other == name or (other == "" and self.names[self.in_sight] != name):
            self.in_sight = 1 - self.in_sight
        self.names[self.in_sight], self.names[1 - self.in_sight] = name, None


def places(name: str) -> tuple[DeltaGenerator, Callable[[], DeltaGenerator]]:
    """Return where to draw the pictures called `name`, and what opens the place of the next."""
    held = st.session_state.setdefault("pictures held", _Held())
    held.turn_to(name)
    st.html(_STYLE.format(hidden=1 - held.in_sight))
    with st.container(key="pictures"):
        # Emptied first: a container draws what it finds once more before that is replaced.
        both = [st.empty() if n != held.in_sight else st.container(key=_key(n)) for n in (0, 1)]
    return both[held.in_sight], partial(_open_later, both[1 - held.in_sight], 1 - held.in_sight)


def _open_later(empty: DeltaGenerator, place: int) -> DeltaGenerator:
    time.sleep(PAINT_S)
    return empty.container(key=_key(place))


def _key(place: int) -> str:
    return f"pictures-{place}"


def foresaw(name: str) -> None:
    """Keep in mind which pictures the second place now holds, "" for none."""
    held = st.session_state["pictures held"]
    held.names[1 - held.in_sight] = name
