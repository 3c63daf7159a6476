"""ECG paper that keeps its proportions at any width, on phones too.

They are set beside the paper, not in its container's key: a container of another key is
another one to the browser, which then draws the figure that stands in it anew before it draws the
one that comes.
"""

from __future__ import annotations

import re

from protoecg.figures.sheet import SIDE_PX

# How wide a figure that was made for a whole page is at least.
LEAST_PX = 760

# What reads from right to left begins scrolled to its right end. On a phone paper is scrolled
# sideways, so that its squares can be read. Heights of figures are whole pixels, so one is spare:
# squares stay square, and with less height the paper would not reach the right edge.
PAPER = f"""
[class*="st-key-frame-"] {{
  container-type: inline-size; overflow-x: auto; scrollbar-color: gray transparent;
}}
[class*="st-key-frame-late-"] {{ direction: rtl; }}
[class*="st-key-paper-"] {{
  --across: 100cqi; direction: ltr; flex: none; max-width: none;
  --whole: calc(var(--pages, 1) * var(--across));
  width: var(--whole);
  height: calc(var(--high, 0.5) * (var(--whole) - {2 * SIDE_PX}px) + var(--edges, 10px) + 1px);
}}
[class*="st-key-paper-full-"] {{ --across: max(100cqi, {LEAST_PX}px); }}
"""


def key(name: str, width_px: int) -> str:
    """Return the key of the container of a figure that was made for a page or part of one."""
    return f"paper-{'full' if width_px >= LEAST_PX else 'part'}-{name}"


def proportions(key: str, *, high: float, edges_px: int, pages: int) -> str:
    """Return the style that makes the paper in the container of a key as high as it must be.

    Parameters
    ----------
    high : of the paper, for its width
    edges_px : above and below it
    pages : how many times as wide as its surroundings it is
    """
    chosen = re.sub(r"[^\w-]", "-", key, flags=re.ASCII)
    properties = f"--high: {high:.5f}; --edges: {edges_px}px; --pages: {pages};"
    return f"<style>.st-key-{chosen} {{ {properties} }}</style>"
