"""Which kinds of measurement may speak for a statement, and which way.

By what defines a statement, or what the textbooks say goes with it: ST levels are no evidence of a
premature beat, even where they go together in a data set.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from protoecg.labels import Statement

_RHYTHM = (
    *("heart_rate", "rr_change", "rr_spread", "shortest_rr", "longest_rr", "rr_alternates"),
    *("rr_by_threes", "early_usual", "early_unusual", "unusual", "p_steady"),
)
# By the first part of a quantity's name.
_ATRIUM = ("p", "p_end_v1")
_QRS = ("q", "r", "s", "terminal", "sokolow", "cornell", "limb_voltage", "chest_voltage")
_ST_T = ("st", "t", "qtc")

_PREMATURE = ("PAC", "PVC", "PRC(S)")
_CONDUCTION = ("LAFB", "LPFB", "IRBBB", "CRBBB", "CLBBB", "ILBBB", "WPW")
_SIZES = (
    *("LVH", "RVH", "SEHYP", "LAO/LAE", "RAO/RAE"),
    *("VCLVH", "LVOLT", "HVOLT"),
)
_INFARCTION = (
    *("IMI", "ASMI", "AMI", "ILMI", "ALMI", "LMI", "IPLMI", "IPMI", "PMI", "QWAVE", "ABQRS"),
    *("INJAS", "INJAL", "INJIN", "INJLA", "INJIL", "ANEUR"),
)

_OF_GROUP = (
    (_PREMATURE, (*_RHYTHM, "qrs")),
    (_CONDUCTION, ("pr", "qrs", "axis", *_QRS)),
    (_SIZES, ("axis", "qrs", *_ATRIUM, *_QRS, *_ST_T)),
    (_INFARCTION, ("axis", "qrs", *_QRS, *_ST_T)),
    (("LPR",), ("pr", "heart_rate")),
    (("NORM",), (*_RHYTHM, "pr", "qrs", "axis", *_ATRIUM, *_QRS, *_ST_T)),
    (("IVCD",), ("qrs", "axis", *_QRS)),
)
# Of statements that PTB-XL does not know.
_BY_KIND = {
    "conduction": ("pr", "qrs", "axis", *_QRS),
    "hypertrophy": ("axis", "qrs", *_ATRIUM, *_QRS, *_ST_T),
    "infarction": ("axis", "qrs", *_QRS, *_ST_T),
    "normal": (*_RHYTHM, "pr", "qrs", "axis", *_ATRIUM, *_QRS, *_ST_T),
}
_OF_RHYTHM = (*_RHYTHM, "pr", "qrs", *_ATRIUM)
_OF_REPOLARISATION = ("heart_rate", "qrs", *_ST_T)

# What must not speak against its own definition.
_RISING = {
    "LNGQT": ("qtc",),
    "1AVB": ("pr",),
    "LPR": ("pr",),
    "STACH": ("heart_rate",),
    "SARRH": ("rr_spread", "rr_change"),
    "AFIB": ("rr_change", "rr_spread"),
    "PAC": ("early_usual",),
    "PVC": ("early_unusual", "unusual"),
    "BIGU": ("rr_alternates",),
    "TRIGU": ("rr_by_threes",),
    "LVH": ("sokolow", "cornell"),
    "VCLVH": ("sokolow", "cornell"),
    "HVOLT": ("sokolow", "cornell", "limb_voltage", "chest_voltage"),
    "CLBBB": ("qrs",),
    "CRBBB": ("qrs",),
    "IVCD": ("qrs",),
}
_FALLING = {
    "SBRAD": ("heart_rate",),
    "AFIB": ("p_steady",),
    "LVOLT": ("limb_voltage", "chest_voltage"),
    "WPW": ("pr",),
    "LAFB": ("axis",),
}


def may_speak(quantities: Sequence[str], statements: Sequence[Statement]) -> np.ndarray:
    """Whether each quantity may speak for each statement: (quantities, statements) bool."""
    kinds = [quantity if quantity in _WHOLE else quantity.split("_")[0] for quantity in quantities]
    return np.array([[kind in _kinds_of(statement) for statement in statements] for kind in kinds])


_WHOLE = {*_RHYTHM, *_ATRIUM, *_QRS, "qtc"}


def _kinds_of(statement: Statement) -> tuple[str, ...]:
    for codes, kinds in _OF_GROUP:
        if statement.scp in codes:
            return kinds
    if not statement.scp and statement.kind in _BY_KIND:
        return _BY_KIND[statement.kind]
    return _OF_RHYTHM if statement.branch == "rhythm" else _OF_REPOLARISATION


def must_rise(quantities: Sequence[str], statements: Sequence[Statement]) -> np.ndarray:
    """Return 1 where a statement's curve must not fall, -1 where not rise, else 0, as floats."""
    sign = np.zeros((len(quantities), len(statements)), dtype=np.float32)
    for table, value in ((_RISING, 1), (_FALLING, -1)):
        for column, statement in enumerate(statements):
            for row, quantity in enumerate(quantities):
                if quantity in table.get(statement.scp, ()):
                    sign[row, column] = value
    return sign
