"""Where the rows of a tracing lie: as far apart as its leads reach, on lines of the squares."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from protoecg.sheet.view import LARGE_MM, ROW_GAP_MM, View

MAX_SPACING_MV = 6.0
REACH_S = 0.2


def row_offsets(
    lows: Sequence[np.ndarray], highs: Sequence[np.ndarray], view: View, *, spacing: float
) -> list[float]:
    """Where the zero line of each row lies, in mV, the last row at 0.

    Rows lie `spacing` apart, further where a tall row would run into its neighbour (unless the
    view is close), always on a line of the large squares. Beyond 6 mV rows may touch: the scale is
    never changed.

    Parameters
    ----------
    lows, highs : how far each row reaches, in mV, at the same places along every row
    """
    offsets = [0.0]
    for above, below in zip(lows[-2::-1], highs[:0:-1], strict=True):
        reach = 0.0 if view.close else float(np.max(below - above)) + view.mv(ROW_GAP_MM)
        needed = up_to_line(reach, view.mv(LARGE_MM))
        offsets.append(offsets[-1] + min(max(spacing, needed), MAX_SPACING_MV))
    return offsets[::-1]


def envelope(row: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest value within 0.1 s of each sample."""
    reach = max(round(REACH_S * rate), 1)
    return minimum_filter1d(row, reach), maximum_filter1d(row, reach)


def up_to_line(value: float, large: float) -> float:
    """Round up to the next line of the large squares."""
    return float(np.ceil(value / large - 1e-6)) * large


def down_to_line(value: float, large: float) -> float:
    """Round down to the next line of the large squares."""
    return -up_to_line(-value, large)
