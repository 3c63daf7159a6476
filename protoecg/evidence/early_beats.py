"""The early beats that a finding's measurements speak of.

A premature beat is often found by the time before it, which the sum counts as a measurement, while
the window that is compared may hold any beat. So the beats measured to be early are marked.
"""

from __future__ import annotations

import numpy as np

from protoecg.ecg import DURATION_S
from protoecg.evidence.in_words import NOTABLE
from protoecg.explanation import Finding
from protoecg.measure import QUANTITIES, Delineation, is_early

# Before and after the QRS complex, as much as shows the wave that comes with it.
_AROUND_S = 0.12
_SHORTEST, _USUAL, _UNUSUAL = (
    QUANTITIES[name].words for name in ("shortest_rr", "early_usual", "early_unusual")
)


def early_beats(finding: Finding, found: Delineation) -> tuple[tuple[float, float], ...]:
    """Return where the early beats lie that speak for a finding; none where none do.

    Parameters
    ----------
    found : where the beats of the ECG lie

    Returns
    -------
    Stretches around their QRS complexes, seconds from the ECG's start.
    """
    speak = {one.name for one in finding.measured if one.contribution >= NOTABLE}
    if not speak & {_SHORTEST, _USUAL, _UNUSUAL}:
        return ()
    shown, alike = is_early(found), np.array(found.alike, bool)
    # The shortest interval is one of them, and a reader looks at them all.
    if _SHORTEST not in speak:
        shown &= alike & (_USUAL in speak) | ~alike & (_UNUSUAL in speak)
    spans = (beat.qrs for beat, is_shown in zip(found.beats, shown, strict=True) if is_shown)
    return tuple(
        (max(start - _AROUND_S, 0.0), min(end + _AROUND_S, DURATION_S)) for start, end in spans
    )
