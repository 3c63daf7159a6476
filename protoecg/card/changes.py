"""What a bundle says of known changes, and where it points to early beats: tables for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from protoecg.card import tables

COLUMNS = (
    *("put in", "ECGs", "a fitting finding likely, %", "likely or possible, %"),
    *("... before, %", "named or said by the measurement, %", "still called normal, %"),
    *("window holds it, %", "by chance, %"),
)


def known_changes(measured: Mapping[str, Any]) -> pd.DataFrame:
    """Return, of each change put into normal ECGs, the percentages named and pointed at."""
    rows = [
        [
            tables.text(name),
            tables.number(metrics, "ecgs"),
            *(
                _percent(metrics, key, "share")
                for key in ("likely", "called", "called_before", "told", "normal")
            ),
            _percent(metrics, "holds"),
            _percent(metrics, "holds_by_chance"),
        ]
        for name, metrics in tables.section(measured, "changes").items()
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def premature(measured: Mapping[str, Any]) -> pd.DataFrame:
    """Return how often the leading window of a real premature beat's finding holds one."""
    keys = ("holds", "holds_by_chance", "centre", "centre_by_chance")
    rows = [
        [
            tables.text(code),
            tables.number(metrics, "ecgs"),
            *(_percent(metrics, key) for key in keys),
        ]
        for code, metrics in tables.section(measured, "premature").items()
    ]
    columns = [
        "statement",
        "ECGs",
        "holds one, %",
        "by chance, %",
        "centre in one, %",
        "... by chance, %",
    ]
    return pd.DataFrame(rows, columns=columns)


def _percent(raw: Any, *path: str) -> float | None:
    share = tables.number(raw, *path)
    return None if share is None else 100 * share
