"""Two containers for pictures: one in sight, and a hidden one for the pictures that come next.

A picture stays in its container from when it is prefetched until the reviewer goes on, so that the
browser has only to show it.
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
# Which container is hidden changes from item to item. It keeps its width, or figures would be
# drawn for another one.
_HIDE = """
<style>
.st-key-pictures-{hidden} {{
  position: absolute; inset: 0 0 auto; height: 0; overflow: hidden; visibility: hidden;
}}
</style>
"""


@dataclass
class _Contents:
    """The pictures in each container, "" for none and None where a run was cut short."""

    names: list[str | None] = field(default_factory=lambda: ["", ""])
    visible: int = 1

    @property
    def hidden(self) -> int:
        return 1 - self.visible

    def show(self, name: str) -> None:
        next_name = self.names[self.hidden]
        # What was not prefetched takes an empty container: a browser draws what is replaced anew.
        if next_name == name or (next_name == "" and self.names[self.visible] != name):
            self.visible = self.hidden
        self.names[self.visible], self.names[self.hidden] = name, None


def containers(name: str) -> tuple[DeltaGenerator, Callable[[], DeltaGenerator]]:
    """Return where to draw the pictures called `name`, and what opens the container of the next."""
    contents = st.session_state.setdefault("pictures held", _Contents())
    contents.show(name)
    st.html(_HIDE.format(hidden=contents.hidden))
    with st.container(key="pictures"):
        # Emptied first: a container draws what it finds once more before that is replaced.
        both = [st.container(key=_key(n)) if n == contents.visible else st.empty() for n in (0, 1)]
    open_hidden = partial(_open_after_paint, both[contents.hidden], contents.hidden)
    return both[contents.visible], open_hidden


def _open_after_paint(empty: DeltaGenerator, number: int) -> DeltaGenerator:
    time.sleep(PAINT_S)
    return empty.container(key=_key(number))


def _key(number: int) -> str:
    return f"pictures-{number}"


def prefetched(name: str) -> None:
    """Keep in mind which pictures the hidden container now has, "" for none."""
    contents = st.session_state["pictures held"]
    contents.names[contents.hidden] = name
