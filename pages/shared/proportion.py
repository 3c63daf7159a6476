"""Heights that follow the width of the page, so that ECG paper fills its place at any width."""

from __future__ import annotations

from math import ceil

HUNDREDS, UNITS = range(10), range(100)

STYLE = "\n".join(
    [
        '[class*="st-key-frame-"] { container-type: inline-size; overflow-x: auto; '
        "scrollbar-color: gray transparent; }",
        # What reads from right to left begins scrolled to its right end.
        '[class*="st-key-frame-late-"] { direction: rtl; }',
        '[class*="st-key-paper-"] { direction: ltr; }',
        '[class*="st-key-paper-"] { flex: none; height: calc('
        "(var(--hundreds) + var(--units)) * 1cqi + var(--edges)); }",
        '[class*="st-key-paper-"][class*="-plain-"] { --edges: 10px; }',
        '[class*="st-key-paper-"][class*="-legend-"] { --edges: 36px; }',
        '[class*="st-key-paper-"][class*="-2pages-"] { width: 200cqi; max-width: none; }',
        *(f'[class*="st-key-paper-{n}h"] {{ --hundreds: {100 * n}; }}' for n in HUNDREDS),
        *(f'[class*="st-key-paper-"][class*="h{n}u-"] {{ --units: {n}; }}' for n in UNITS),
    ]
)


def container_key(height: float, width: float, *, legend: bool, pages: int, name: str) -> str:
    """Key of a container that is `height / width` of its surroundings, plus room for a legend.

    Parameters
    ----------
    pages : how many times as wide as its surroundings it is, 1 or 2
    """
    hundreds, units = divmod(min(ceil(100 * height / width), 999), 100)
    return f"paper-{hundreds}h{units}u-{'legend' if legend else 'plain'}-{pages}pages-{name}"
