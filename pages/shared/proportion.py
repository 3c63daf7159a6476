"""Heights that follow the width of the page, so that ECG paper fills its place at any width."""

from __future__ import annotations

from math import ceil

PERCENT = range(10, 200)

STYLE = "\n".join(
    [
        '[class*="st-key-frame-"] { container-type: inline-size; }',
        '[class*="st-key-paper-"] { flex: none; height: calc(var(--share) + var(--edges)); }',
        '[class*="st-key-paper-"][class*="-plain-"] { --edges: 10px; }',
        '[class*="st-key-paper-"][class*="-legend-"] { --edges: 36px; }',
        *(f'[class*="st-key-paper-{share}-"] {{ --share: {share}cqi; }}' for share in PERCENT),
    ]
)


def container_key(height: float, width: float, *, legend: bool, name: str) -> str:
    """Key of a container that is `height / width` of its surroundings, plus room for a legend."""
    share = min(max(ceil(100 * height / width), PERCENT.start), PERCENT.stop - 1)
    return f"paper-{share}-{'legend' if legend else 'plain'}-{name}"
