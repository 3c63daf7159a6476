"""What calibrating a bundle on a hospital's own ECGs changed, as tables for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from protoecg import wording
from protoecg.bundle import Bundle
from protoecg.card import tables

METRICS = {
    "likely_precision": "likely findings that are labelled",
    "likely_sensitivity": "labelled findings that are likely",
    "called_precision": "likely or possible ones that are labelled",
    "called_sensitivity": "labelled ones that are likely or possible",
    "ecgs_with_wrong_likely": "ECGs with a likely finding that is not labelled",
    "brier": "Brier score, mean of statements",
}
STATES = ("before", "after", "difference")


def results(comparison: Mapping[str, Any]) -> pd.DataFrame:
    """Return what the statements together are worth before and after, with intervals."""
    return pd.DataFrame(
        [
            {"": words, **{state: metric(own, state, name) for state in STATES}}
            for name, words in METRICS.items()
            for own in [tables.section(comparison, "figures", name)]
            if own
        ]
    )


def per_statement(comparison: Mapping[str, Any], bundle: Bundle) -> pd.DataFrame:
    """Return how many ECGs carry each statement, and how many of these are likely to."""
    return pd.DataFrame(
        [
            {
                "statement": bundle.labels.named(code),
                "labelled": tables.number(own, "positives"),
                **{
                    f"{words} {state}": tables.number(own, f"{key}_{state}")
                    for state in ("before", "after")
                    for words, key in (("found", "found"), ("likely", "called"))
                },
            }
            for code, own in tables.section(comparison, "per_statement").items()
        ]
    )


def metric(own: Mapping[str, Any], state: str, name: str) -> str:
    """Print a share as a percentage, a Brier score as it is: "61 % (52 to 70)"."""
    value, ends = tables.number(own, state), tables.numbers(own, f"{state}_interval")
    if value is None:
        return ""
    times, form, unit = (1, ".3f", "") if name == "brier" else (100, ".0f", " %")
    form = f"+{form}" if state == "difference" else form
    between = f" ({wording.between([times * e for e in ends], form)})" if len(ends) == 2 else ""
    return wording.true_minus(f"{times * value:{form}}{unit}{between}")
