"""Heart rate, axis and intervals, from where the waves of the beats lie."""

from protoecg.measure.delineation import Beat, Delineation, MedianBeat, delineate
from protoecg.measure.measurements import (
    INTERVALS,
    MARKS,
    QTC_FORMULA,
    WORDS,
    Measurements,
    in_words,
    marked,
    measure,
    measurements,
)
from protoecg.measure.quantities import QUANTITIES, Quantity, is_early, quantities

__all__ = [
    "INTERVALS",
    "MARKS",
    "QTC_FORMULA",
    "QUANTITIES",
    "WORDS",
    "Beat",
    "Delineation",
    "Measurements",
    "MedianBeat",
    "Quantity",
    "delineate",
    "in_words",
    "is_early",
    "marked",
    "measure",
    "measurements",
    "quantities",
]
