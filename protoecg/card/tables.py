"""What was measured of a bundle, as tables for people.

The results come from JSON that may lack any of them: what is missing or is not of its kind is left
out, or is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from protoecg import wording
from protoecg.bundle import Bundle
from protoecg.labels import BRANCHES

# Of each branch's numbers: the measure, what it says, where it stands, how it is printed.
FAITHFULNESS = (
    ("sufficiency", "the match holds when all outside the window is zero", "zeros.holds", "%"),
    ("sufficiency", "... is another ECG", "another_ecg.holds", "%"),
    ("necessity", "likeness lost with the window", "another_ecg.similarity_fall", "z.2f"),
    ("necessity", "... with other seconds", "control_another_ecg.similarity_fall", "z.2f"),
    ("necessity", "evidence lost with the window", "another_ecg.logit_fall", "z.2f"),
    ("necessity", "... with other seconds", "control_another_ecg.logit_fall", "z.2f"),
    (
        "completeness",
        "the parts of a finding miss its sum by, at most",
        "largest_difference",
        ".6f",
    ),
    (
        "completeness",
        "the leads' parts miss the likeness by, at most",
        "largest_difference_of_leads",
        ".6f",
    ),
    ("compactness", "matches that carry 90 % of the evidence, median", "median", ".0f"),
    ("exactness", "prototypes that their own ECG is told to match exactly", "exact", "%"),
    ("exactness", "smallest likeness to their own ECG", "smallest_similarity", ".4f"),
    ("coverage", "patients behind a statement, median", "patients_median", ".0f"),
    ("coverage", "patients used twice within a statement", "repeated_patients", ".0f"),
    ("purity", "of the ten nearest ECGs, carry the statement", "purity", "%"),
    ("purity", "... by chance", "base_rate", "%"),
    *(
        row
        for kind, words in (
            ("baseline_wander", "baseline wander"),
            ("mains", "mains hum"),
            ("muscle_noise", "muscle noise"),
            ("shift", "a small shift in time"),
            ("500_hz", "500 Hz instead of 100 Hz"),
        )
        for row in (
            ("stability", f"same top prototype under {words}", f"{kind}.same_prototype", "%"),
            ("stability", "... probability moves by", f"{kind}.probability_moves", "z.2f"),
        )
    ),
    ("stability", "... these ECGs were", "500_hz_source", "text"),
    ("localisation", "simulated: the match's centre is in the finding", "centre", "%"),
    ("localisation", "... by chance", "centre_by_chance", "%"),
    ("localisation", "real: same part of the beat as its prototype", "real.as_in_prototype", "%"),
    ("localisation", "... by chance", "real.as_in_prototype_by_chance", "%"),
)
LARGEST = 1e15
OVERALL = {
    "macro_auroc": "macro AUROC",
    "weighted_auroc": "weighted AUROC",
    "macro_auprc": "macro AUPRC",
    "fmax": "Fmax",
}
# Of each statement; those in `SURE` come with an interval.
SURE = ("auroc", "sensitivity", "specificity", "ppv")
PER_STATEMENT = ("auroc", "auprc", "sensitivity", "specificity", "ppv", "brier", "ece")


def part(raw: Any, *path: str) -> Any:
    """Return what stands at a path of keys, or None."""
    for key in path:
        raw = raw.get(key) if isinstance(raw, Mapping) else None
    return raw


def section(raw: Any, *path: str) -> Mapping[str, Any]:
    """Return the mapping at a path; an empty one where there is none."""
    found = part(raw, *path)
    return found if isinstance(found, Mapping) else {}


def number(raw: Any, *path: str) -> float | None:
    """Return the finite number at a path, or None."""
    found = part(raw, *path)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    # The size comes first: an integer may be too large for a float.
    return float(found) if abs(found) < LARGEST else None


def numbers(raw: Any, *path: str) -> list[float]:
    """Return the list of finite numbers at a path; an empty one where anything else stands."""
    found = part(raw, *path)
    values = [number(value) for value in found] if isinstance(found, list) else []
    return [] if None in values else [value for value in values if value is not None]


def text(raw: Any, *path: str, default: str = "") -> str:
    """Return the text or number at a path in one line of bearable length."""
    found = part(raw, *path)
    if isinstance(found, bool) or not isinstance(found, str | int | float):
        return default
    return " ".join(str(found).split())[:400] or default


def sure(raw: Any, name: str, form: str = ".3f") -> str:
    """Print a metric with its 95 % interval: "0.927 (0.919 to 0.934)"; empty where missing."""
    value, ends = number(raw, name), numbers(raw, f"{name}_interval")
    if value is None:
        return ""
    low_high = f" ({wording.between(ends, form)})" if len(ends) == 2 else ""
    return f"{value:{form}}{low_high}"


def overall(results: Mapping[str, Any]) -> pd.DataFrame:
    """Return the results of all statements: a row for all branches fused, and one for each."""
    counted = [
        metrics
        for metrics in section(results, "per_statement").values()
        if number(metrics, "auroc")
    ]
    rows: list[dict[str, Any]] = [
        {"": "all branches fused", "statements": len(counted), **_overall(results)}
    ]
    for branch in BRANCHES:
        if metrics := section(results, "per_branch", branch):
            own = number(metrics, "statements")
            rows.append({"": f"{branch} alone", "statements": own, **_overall(metrics)})
    table = pd.DataFrame(rows)
    return table.loc[:, [column for column in table if (table[column] != "").any()]]


def _overall(metrics: Mapping[str, Any]) -> dict[str, str]:
    return {words: sure(metrics, name) for name, words in OVERALL.items()}


def per_statement(results: Mapping[str, Any], bundle: Bundle) -> pd.DataFrame:
    """Return the results of each statement: numbers to sort by, intervals as text.

    "evidence" is "low" where too few validation ECGs carried the statement.
    """
    rows = []
    for code in bundle.statements:
        metrics, decision = section(results, "per_statement", code), bundle.decisions[code]
        row: dict[str, Any] = {
            "statement": code,
            "meaning": bundle.labels[code].description,
            "branch": bundle.labels[code].branch,
            "evidence": "low" if decision.low_evidence else "",
            "positives": number(metrics, "positives"),
        }
        for name in PER_STATEMENT:
            row[name] = number(metrics, name)
            if name in SURE:
                row[f"{name} 95 %"] = _between(numbers(metrics, f"{name}_interval"))
        rows.append(
            {**row, "threshold": decision.threshold, "possible from": decision.possible_from}
        )
    table = pd.DataFrame(rows)
    return table.loc[
        :, [column for column in table if table[column].replace("", None).notna().any()]
    ]


def certainty(results: Mapping[str, Any]) -> pd.DataFrame:
    """Return what likely calls, and likely and possible ones together, are worth over all ECGs.

    Empty where it was not measured.
    """
    metrics = section(results, "certainty")
    kinds = {"likely": "likely", "called": "likely or possible"}
    return pd.DataFrame(
        {
            "": words,
            "labelled (PPV)": sure(section(metrics, kind), "ppv"),
            "of the labelled (sensitivity)": sure(section(metrics, kind), "sensitivity"),
            "an ECG": f"{number(section(metrics, kind), 'per_ecg') or 0:.1f}",
        }
        for kind, words in kinds.items()
        if section(metrics, kind)
    )


def _between(ends: list[float]) -> str:
    return wording.between(ends) if len(ends) == 2 else ""


def reliability(results: Mapping[str, Any]) -> pd.DataFrame:
    """Return the reliability curve: predicted, observed, count; empty where not measured."""
    curve = {
        name: numbers(results, "calibration", "reliability", name)
        for name in ("predicted", "observed", "count")
    }
    same = len({len(values) for values in curve.values()}) == 1
    return pd.DataFrame(curve if same else {name: [] for name in curve})


def faithfulness(measured: Mapping[str, Any], baseline: Mapping[str, Any]) -> pd.DataFrame:
    """Return the chief numbers of each measure: a column a branch, the published rule's beside."""
    columns = {
        f"{branch}{', published rule' if source is baseline else ''}": (source, branch)
        for branch in BRANCHES
        for source in (measured, baseline)
        if any(
            part(results, "branches", branch) for results in section(source, "measures").values()
        )
    }
    rows = []
    for measure, words, path, form in FAITHFULNESS:
        printed = [
            _printed(section(source, "measures", measure, "branches", branch), path, form)
            for source, branch in columns.values()
        ]
        if any(printed):
            rows.append([measure, words, *printed])
    table = pd.DataFrame(rows, columns=["measure", "", *columns])
    return table.assign(measure=table["measure"].mask(table["measure"].duplicated(), ""))


def _printed(results: Mapping[str, Any], path: str, form: str) -> str:
    if form == "text":
        return text(results, path)
    if (value := number(results, *path.split("."))) is None:
        return ""
    return wording.share(value, 1) if form == "%" else f"{value:{form}}"


def abstention(measured: Mapping[str, Any]) -> pd.DataFrame:
    """Return the percentages abstained from, with interval, and refused, of each recording."""
    rows = []
    for name, metrics in section(measured, "recordings").items():
        if (share := number(metrics, "abstained")) is None:
            continue
        ends = [100 * end for end in numbers(metrics, "abstained_interval")]
        between = wording.between(ends, ".1f") if len(ends) == 2 else ""
        refused = number(metrics, "refused")
        rows.append([text(name), 100 * share, between, f"{100 * refused:.1f}" if refused else ""])
    return pd.DataFrame(rows, columns=["recording", "abstains, %", "95 %", "not read at all, %"])


def ablations(measured: Mapping[str, Any]) -> pd.DataFrame:
    """Return what each rule costs: macro AUROC, and its difference from ours."""
    found = part(measured, "rows")
    rows = [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []
    return pd.DataFrame(
        [
            [
                text(row, "name"),
                sure(row, "macro_auroc"),
                sure(row, "difference", "+.3f"),
                number(row, "median_prototypes"),
                text(row, "config"),
            ]
            for row in rows
        ],
        columns=["rule", "macro AUROC", "above ours", "prototypes a statement", "settings file"],
    )
