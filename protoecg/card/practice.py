"""What reports of one make of recorder leave out, and what calls are worth beside: tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from protoecg.card import tables
from protoecg.labels import LabelSet

WORTH = {
    "all_labels": "all",
    "where_used": "where used",
    "make_known": "all, make known",
}


def unused(measured: Mapping[str, Any], labels: LabelSet) -> pd.DataFrame:
    """Return, of each make's reports, the statements that they hardly ever use."""
    rows = [
        {
            "statement": code,
            "meaning": labels[code].description,
            "hardly ever in reports on": tables.text(make),
            "there, %": _percent(own, code, "share"),
            "elsewhere, %": _percent(own, code, "elsewhere"),
        }
        for make, metrics in tables.section(measured, "makes").items()
        for own in [tables.section(metrics, "unused")]
        for code in own
        if code in labels
    ]
    return pd.DataFrame(rows)


def worth(measured: Mapping[str, Any]) -> pd.DataFrame:
    """Return what likely findings are worth, by the reports that they are compared with."""
    return pd.DataFrame(
        {
            "reports": words,
            "labelled (PPV)": tables.sure(likely, "ppv"),
            "of the labelled (sensitivity)": tables.sure(likely, "sensitivity"),
            "ECGs with a wrong one": tables.sure(metrics, "ecgs_with_wrong_likely"),
        }
        for key, words in WORTH.items()
        for metrics in [tables.section(measured, key)]
        for likely in [tables.section(metrics, "likely")]
        if likely
    )


def _percent(raw: Any, *path: str) -> float | None:
    share = tables.number(raw, *path)
    return None if share is None else 100 * share
