"""How much two ECGs of one patient differ though no label changed: what is less says nothing.

Of 655 pairs of ECGs of PTB-XL's folds 1 to 8 that follow each other, of the same patient and with
the same statements, 95 of 100 differ by no more. `python -m training repeats` prints the figures,
which are rounded up here. The logits are those of `models/ptbxl`, which was trained on these folds:
on other ECGs they may differ more.
"""

from __future__ import annotations

# By the names of `protoecg.measure.Measurements`, in their units.
MEASURED = {
    "heart_rate_bpm": 26,
    "axis_deg": 26,
    "pr_ms": 26,
    "qrs_ms": 18,
    "qt_ms": 45,
    "qtc_ms": 33,
}
# Of statements that are likely or possible in at least 30 pairs; the others share what holds for
# all of them together.
OF_ALL = 3.4
OF_STATEMENTS = {
    "1AVB": 3.7,
    "ABQRS": 1.0,
    "AFIB": 2.3,
    "ASMI": 3.3,
    "CLBBB": 1.3,
    "HVOLT": 1.3,
    "ILBBB": 1.3,
    "ILMI": 2.8,
    "IMI": 2.4,
    "IPMI": 1.4,
    "IRBBB": 4.9,
    "ISCAL": 3.1,
    "ISC_": 3.0,
    "IVCD": 2.0,
    "LAFB": 2.5,
    "LAO/LAE": 2.5,
    "LVH": 3.0,
    "NDT": 3.9,
    "NORM": 2.1,
    "NST_": 3.3,
    "NT_": 4.7,
    "PACE": 2.7,
    "PVC": 5.5,
    "QWAVE": 1.4,
    "SARRH": 6.8,
    "SBRAD": 5.0,
    "SR": 2.9,
    "STD_": 3.0,
    "VCLVH": 2.4,
    "WPW": 3.0,
}


def logit(code: str) -> float:
    """Return by how much the logit of a statement differs by itself."""
    return OF_STATEMENTS.get(code, OF_ALL)
