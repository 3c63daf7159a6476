"""The measures' main numbers in a table for the terminal; the JSON file holds them all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

# Of each row: measure, what it says, where that stands in a branch's numbers.
ROWS = (
    ("sufficiency", "holds, zeros outside", "zeros.holds"),
    ("sufficiency", "holds, another ECG outside", "another_ecg.holds"),
    ("sufficiency", "largest relative change", "another_ecg.largest_change"),
    ("necessity", "similarity falls by", "another_ecg.similarity_fall"),
    ("necessity", "  control", "control_another_ecg.similarity_fall"),
    ("necessity", "logit falls by", "another_ecg.logit_fall"),
    ("necessity", "  control", "control_another_ecg.logit_fall"),
    ("completeness", "largest difference, logits", "largest_difference"),
    ("completeness", "  of lead parts from similarity", "largest_difference_of_leads"),
    ("compactness", "matches for 90 %, median", "median"),
    ("exactness", "prototypes that are exact", "exact"),
    ("exactness", "smallest similarity", "smallest_similarity"),
    ("coverage", "patients a statement, median", "patients_median"),
    ("coverage", "repeated patients", "repeated_patients"),
    ("coverage", "prototypes used", "used"),
    ("purity", "of the ten nearest", "purity"),
    ("purity", "  base rate", "base_rate"),
    *(
        row
        for kind in ("baseline_wander", "mains", "muscle_noise", "shift", "500_hz")
        for row in (
            ("stability", f"{kind}: same prototype", f"{kind}.same_prototype"),
            ("stability", "  and same place", f"{kind}.same_place"),
            ("stability", "  or beat alike", f"{kind}.same_place_or_alike"),
            ("stability", "  probability moves by", f"{kind}.probability_moves"),
        )
    ),
    ("localisation", "window holds the finding", "holds"),
    ("localisation", "  by chance", "holds_by_chance"),
    ("localisation", "centre in the finding", "centre"),
    ("localisation", "  by chance", "centre_by_chance"),
    ("localisation", "same place as in prototype", "real.as_in_prototype"),
    ("localisation", "  by chance", "real.as_in_prototype_by_chance"),
)


def table(results: Mapping[str, Any]) -> str:
    """Return the chief numbers of `faithfulness`: a row each, a column a branch."""
    rows = [
        [measure, label]
        + [_text(numbers, path) for numbers in results["measures"][measure]["branches"].values()]
        for measure, label, path in ROWS
    ]
    branches = next(iter(results["measures"].values()))["branches"]
    frame = pd.DataFrame(rows, columns=["measure", "", *branches])
    frame["measure"] = frame["measure"].where(~frame["measure"].duplicated(), "")
    return frame.to_string(index=False)


def _text(numbers: Mapping[str, Any], path: str) -> str:
    value: Any = numbers
    for key in path.split("."):
        value = value.get(key) if isinstance(value, Mapping) else None
    return "-" if value is None else f"{value:.3g}"
