"""The rhythm strip of an ECG as a small picture, for a table of many."""

from __future__ import annotations

from urllib.parse import quote

import numpy as np

from protoecg.ecg import DURATION_S, ECG, LEADS
from protoecg.sheet.colours import THEMES, ThemeName

LEAD = "II"
# A column of the picture shows the lowest and the highest value of its 0.05 s.
COLUMNS, HEIGHT_PX, REACH_MV = 200, 40, 1.6


def strip(ecg: ECG) -> np.ndarray:
    """Return lowest and highest value of lead II in each column: (`COLUMNS`, 2) float16, mV."""
    whole = ecg.signal[LEADS.index(LEAD), ecg.samples(0.0, DURATION_S)]
    values = whole - np.median(whole)
    parts = np.array_split(values, COLUMNS)
    return np.array([(part.min(), part.max()) for part in parts], dtype=np.float16)


def picture(drawn: np.ndarray, theme: ThemeName) -> str:
    """Return a strip as the address of an SVG picture, 10 mm/mV and cut at 1.6 mV."""
    heights = HEIGHT_PX / 2 * (1 - np.clip(drawn.astype(float), -REACH_MV, REACH_MV) / REACH_MV)
    points = " ".join(f"{x} {y:.0f}" for x, both in enumerate(heights) for y in both)
    colour = THEMES[theme].ink
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {COLUMNS} {HEIGHT_PX}" '
        f'width="{COLUMNS}" height="{HEIGHT_PX}">'
        f'<polyline fill="none" stroke="{colour}" points="{points}"/></svg>'
    )
    return f"data:image/svg+xml;utf8,{quote(svg)}"
