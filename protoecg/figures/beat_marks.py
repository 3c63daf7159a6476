"""Where P, QRS and T of each beat lie, and how long from beat to beat, marked below a tracing."""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go

from protoecg.ecg import DURATION_S
from protoecg.figures import sheet
from protoecg.figures.median_marks import wave_colour
from protoecg.measure import Delineation
from protoecg.sheet.colours import Theme
from protoecg.sheet.strokes import GAP, Point
from protoecg.sheet.view import View

WAVES = ("p", "qrs", "t")
# Below the lowest point of a tracing: the bars of the waves, the RR intervals, room for both.
BARS_MM, RR_MM, MARKS_MM = 2.0, 4.5, 7.0


def beat_marks(found: Delineation, lowest_mv: float, view: View, theme: Theme) -> list[go.Scatter]:
    """Draw a bar for each wave below a tracing of ten seconds, and each RR interval in ms.

    Parameters
    ----------
    lowest_mv : the height on the paper of the tracing's lowest point
    """
    bars = [
        sheet.drawn(
            points, {"color": wave_colour(wave, theme), "width": 4}, name=f"{wave.upper()} waves"
        )
        for wave in WAVES
        if (points := _bars(found, wave, lowest_mv - view.mv(BARS_MM)))
    ]
    return [*bars, *_rr(found, lowest_mv - view.mv(RR_MM), theme)]


def describe_beats(found: Delineation) -> str:
    """Say in words what is marked, for readers who cannot see it."""
    if len(found.beats) < 2 or "beats" in found.unsure:
        return "Beats cannot be told apart, so nothing is marked."
    rr = sorted(1000 * s for s in found.rr_s)
    p = 0 if "p" in found.unsure else sum(beat.p is not None for beat in found.beats)
    return (
        f"{len(found.beats)} beats, RR {rr[0]:.0f} to {rr[-1]:.0f} ms; "
        f"a P wave is marked before {p or 'none'} of them."
    )


def _bars(found: Delineation, wave: str, height: float) -> list[Point]:
    if {"beats", wave} & found.unsure.keys():
        return []
    spans = [span for beat in found.beats if (span := getattr(beat, wave))]
    return [
        point
        for start, end in spans
        if end <= DURATION_S
        for point in ((start, height), (end, height), GAP)
    ]


def _rr(found: Delineation, height: float, theme: Theme) -> list[go.Scatter]:
    if not found.rr_s or "beats" in found.unsure:
        return []
    middles = [sum(beat.qrs) / 2 for beat in found.beats]
    texts = [
        ((start + end) / 2, height, f"{1000 * rr:.0f}")
        for start, end, rr in zip(middles, middles[1:], found.rr_s, strict=False)
    ]
    style: dict[str, Any] = {"position": "middle center", "name": "RR intervals"}
    return [sheet.written(texts, size=11, colour=theme.faint_ink, halo=theme.paper, **style)]
