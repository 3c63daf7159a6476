"""Heart rate, axis and intervals, from where the waves of the beats lie."""

from protoecg.measure.delineation import Beat, Delineation, MedianBeat, delineate
from protoecg.measure.measurements import (
    QTC_FORMULA,
    Measurements,
    in_words,
    measure,
    measurements,
)

__all__ = [
    "QTC_FORMULA",
    "Beat",
    "Delineation",
    "Measurements",
    "MedianBeat",
    "delineate",
    "in_words",
    "measure",
    "measurements",
]
