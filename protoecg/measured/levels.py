"""ST levels and T waves beyond a limit in two leads that look from neighbouring places.

That it takes two neighbours is the rule of the Fourth Universal Definition of Myocardial
Infarction (2018), as are its limits; here ST is read 60 ms after the QRS complex.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from protoecg.ecg import LEADS

ELEVATED_MV, ELEVATED_V2_V3_MV, DEPRESSED_MV = 0.1, 0.25, -0.05
# In the order around the heart.
_NEIGHBOURS = (
    *(("II", "III"), ("II", "aVF"), ("III", "aVF"), ("I", "aVL")),
    *(("V1", "V2"), ("V2", "V3"), ("V3", "V4"), ("V4", "V5"), ("V5", "V6"), ("I", "V6")),
)
INVERTED_MV = -0.1
# Where an inverted T wave is no variant of the normal.
_T_UPRIGHT = ("I", "II", "aVL", "aVF", "V3", "V4", "V5", "V6")


def raised(values: Mapping[str, float], by: float = 0.0) -> dict[str, float]:
    """Return the leads whose ST is raised by more than `by` mV beyond the limits, and its level.

    Parameters
    ----------
    values : as `protoecg.measure.quantities` returns them
    """
    return _with_neighbour(
        {lead: mv for lead, mv in _of("st", values).items() if mv >= _elevated_from(lead) + by}
    )


def lowered(values: Mapping[str, float], to: float = DEPRESSED_MV) -> dict[str, float]:
    """Return the leads whose ST is at `to` mV or below, and its level."""
    return _with_neighbour({lead: mv for lead, mv in _of("st", values).items() if mv <= to})


def inverted(values: Mapping[str, float], to: float = INVERTED_MV) -> dict[str, float]:
    """Return the leads whose T wave reaches `to` mV or below, and how far, where it matters."""
    return _with_neighbour(
        {lead: mv for lead, mv in _of("t", values).items() if mv <= to and lead in _T_UPRIGHT}
    )


def _of(wave: str, values: Mapping[str, float]) -> dict[str, float]:
    return {lead: values[f"{wave}_{lead}"] for lead in LEADS}


def _elevated_from(lead: str) -> float:
    return ELEVATED_V2_V3_MV if lead in ("V2", "V3") else ELEVATED_MV


def _with_neighbour(found: Mapping[str, float]) -> dict[str, float]:
    leads: Collection[str] = {
        lead for pair in _NEIGHBOURS if found.keys() >= set(pair) for lead in pair
    }
    return {lead: mv for lead, mv in found.items() if lead in leads}
