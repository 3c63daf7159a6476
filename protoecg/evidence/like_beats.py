"""Beats like the matched one, where the leads to look at are printed.

A page of 3 x 4 leads prints each lead for 2.5 seconds, so the moment that the model compared may
be printed of none of the leads that define a statement. The same kind of beat recurs there. Such
a beat decided nothing: it is shown for reading, and only if it looks like the matched one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from protoecg.ecg import DURATION_S, ECG
from protoecg.measure import Beat, Delineation
from protoecg.sheet.pieces import print_pieces
from protoecg.sheet.view import View
from protoecg.signals import MODEL_RATE, model_input

Interval = tuple[float, float]

# From this correlation on, over all leads together, two beats count as one kind.
SAME_KIND = 0.8
# So much of a window has to be printed of a lead for the lead to be marked.
PRINTED = 0.5


@dataclass(frozen=True)
class LikeBeat:
    """A stretch as long as the matched one, with the beat at the same place in it.

    Parameters
    ----------
    window_s : seconds from the ECG's start
    correlation : Pearson's with the matched window, of all leads together
    """

    window_s: Interval
    correlation: float


def like_beats(
    ecg: ECG, found: Delineation, window_s: Interval, leads: Sequence[str], view: View
) -> tuple[LikeBeat, ...]:
    """Return the beat most like a window's in each part of the page that prints one of `leads`.

    None where the window itself is printed there, holds no beat, or has none of its kind there.

    Parameters
    ----------
    found : where the beats of the ECG lie
    """
    pieces = [piece for piece in print_pieces(ecg, view) if piece.lead in leads]
    parts = sorted({(piece.start_s, piece.end_s) for piece in pieces})
    elsewhere = [part for part in parts if not is_printed(window_s, part)]
    if not elsewhere:
        return ()
    others = list(_others(model_input(ecg), found.beats, window_s))
    best = (
        max((o for o in others if is_printed(o.window_s, part)), key=_correlation, default=None)
        for part in elsewhere
    )
    return tuple(beat for beat in best if beat and beat.correlation >= SAME_KIND)


def is_printed(window_s: Interval, part: Interval) -> bool:
    """Whether enough of a window lies in a part of the page."""
    shared = min(window_s[1], part[1]) - max(window_s[0], part[0])
    return shared >= PRINTED * (window_s[1] - window_s[0])


def _others(signal: np.ndarray, beats: Sequence[Beat], window_s: Interval) -> Iterator[LikeBeat]:
    """Compare a window with those that hold another beat at the same place."""
    middle = sum(window_s) / 2
    inside = [b for b in beats if window_s[0] <= b.qrs[0] < window_s[1]]
    if not inside:
        return
    own = min(inside, key=lambda beat: abs(beat.qrs[0] - middle))
    for beat in beats:
        later_s = beat.qrs[0] - own.qrs[0]
        other = window_s[0] + later_s, window_s[1] + later_s
        if beat is not own and other[0] >= 0 and other[1] <= DURATION_S:
            yield LikeBeat(other, _alike(signal, window_s, other))


def _alike(signal: np.ndarray, window_s: Interval, other_s: Interval) -> float:
    """Return the correlation of two windows of a signal (12, n), each lead around its mean."""
    length = round((window_s[1] - window_s[0]) * MODEL_RATE)
    cut = [signal[:, round(s * MODEL_RATE) :][:, :length] for s, _ in (window_s, other_s)]
    least = min(one.shape[1] for one in cut)
    own, other = (
        (one[:, :least] - one[:, :least].mean(axis=1, keepdims=True)).ravel() for one in cut
    )
    size = float(np.linalg.norm(own) * np.linalg.norm(other))
    return float(own @ other) / size if size else 0.0


def _correlation(beat: LikeBeat) -> float:
    return beat.correlation
