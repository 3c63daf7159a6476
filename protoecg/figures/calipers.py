"""Calipers drawn on the paper, with their numbers and readings."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go

from protoecg.ecg import DURATION_S
from protoecg.figures import sheet
from protoecg.sheet.calipers import Caliper
from protoecg.sheet.colours import Theme, translucent
from protoecg.sheet.pieces import Piece
from protoecg.sheet.strokes import Point, rectangle, vertical
from protoecg.sheet.view import View

LEG_MM, TEXT_MM, TEXT_ROOM_MM, NAME_MM = 2.0, 4.0, 40.0, 12.0


def caliper_traces(
    calipers: Sequence[Caliper], pieces: Sequence[Piece], view: View, theme: Theme
) -> list[go.Scatter]:
    """Draw calipers with their numbers and readings, on each piece that prints their middle."""
    placed = [
        (f"{number}: {caliper.said}", caliper, piece)
        for number, caliper in enumerate(calipers, start=1)
        for piece in pieces
        if caliper.is_printed_on(piece)
    ]
    if not placed:
        return []
    colour = theme.evidence_against
    strokes = [stroke for _, caliper, piece in placed for stroke in _strokes(caliper, piece, view)]
    texts, sides = zip(*(_reading(*one, view) for one in placed), strict=True)
    words = sheet.written(
        texts, size=13, colour=colour, weight=700, halo=theme.paper, name="calipers in words"
    )
    words.textposition = sides
    line = {"color": colour, "width": 1.6}
    fill = {"fill": "toself", "fillcolor": translucent(colour, 0.12)}
    return [sheet.drawn(strokes, line, name="calipers", **fill), words]


def _strokes(caliper: Caliper, piece: Piece, view: View) -> list[Point]:
    low, high = caliper.on(piece)
    legs = low - view.mv(LEG_MM), high + view.mv(LEG_MM)
    return [
        *rectangle((caliper.start_s, caliper.end_s), (low, high)),
        *vertical(caliper.start_s, *legs),
        *vertical(caliper.end_s, *legs),
    ]


def _reading(
    text: str, caliper: Caliper, piece: Piece, view: View
) -> tuple[tuple[float, float, str], str]:
    """Place a reading above its caliper, beside the lead's name and within the paper."""
    height = caliper.on(piece)[1] + view.mv(TEXT_MM)
    if caliper.start_s > DURATION_S - view.s(TEXT_ROOM_MM):
        return (caliper.end_s, height, text), "middle left"
    return (max(caliper.start_s, piece.start_s + view.s(NAME_MM)), height, text), "middle right"
