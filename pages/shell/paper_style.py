"""ECG paper that keeps its proportions at any width, on phones too: CSS for its heights.

It is made here, as its numbers are those of the figures.
"""

from __future__ import annotations

from math import ceil

from protoecg.figures.sheet import LEGEND_PX, MARGIN_PX, SIDE_PX
from protoecg.figures.switches import switches_px

HUNDREDS, UNITS = range(10), range(100)
WIDE = (2, 4)
# How wide a figure that was made for a whole page is at least.
LEAST_PX = 760
EDGES = [
    MARGIN_PX + SIDE_PX,
    MARGIN_PX + SIDE_PX + LEGEND_PX,
    *(MARGIN_PX + SIDE_PX + switches_px(rows) for rows in range(1, 7)),
]

HEIGHTS = "\n".join(
    [
        '[class*="st-key-frame-"] { container-type: inline-size; overflow-x: auto; '
        "scrollbar-color: gray transparent; }",
        # What reads from right to left begins scrolled to its right end.
        '[class*="st-key-frame-late-"] { direction: rtl; }',
        '[class*="st-key-paper-"] { direction: ltr; }',
        '[class*="st-key-paper-"] { --across: 100cqi; flex: none; height: calc('
        "(var(--hundreds) + var(--units)) / 100 * var(--across) + var(--edges)); }",
        # On a phone paper is scrolled sideways, so that its squares can be read.
        f'[class*="st-key-paper-"][class*="-full-"] {{ --across: max(100cqi, {LEAST_PX}px); '
        "width: var(--across); max-width: none; }",
        *(f'[class*="st-key-paper-"][class*="-{n}edges-"] {{ --edges: {n}px; }}' for n in EDGES),
        *(
            f'[class*="st-key-paper-"][class*="-{n}pages-"] '
            f"{{ width: calc({n} * var(--across)); max-width: none; }}"
            for n in WIDE
        ),
        *(f'[class*="st-key-paper-{n}h"] {{ --hundreds: {100 * n}; }}' for n in HUNDREDS),
        *(f'[class*="st-key-paper-"][class*="h{n}u-"] {{ --units: {n}; }}' for n in UNITS),
    ]
)


def container_key(height: float, width: float, *, edges: int, pages: int, name: str) -> str:
    """Key of a container that is `height / width` of its surroundings, plus its edges.

    Parameters
    ----------
    edges : px above and below, one of `EDGES`
    pages : how many times as wide as its surroundings it is, 1 or one of `WIDE`
    """
    hundreds, units = divmod(min(ceil(100 * height / width), 999), 100)
    size = "full" if width >= LEAST_PX else "part"
    return f"paper-{hundreds}h{units}u-{edges}edges-{pages}pages-{size}-{name}"
