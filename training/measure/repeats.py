"""How much two ECGs of one patient with the same labels differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from protoecg.bundle import Bundle
from protoecg.evidence.change import finding_changes, measurement_changes
from protoecg.explain import explain
from protoecg.measure import measure as measure_ecg
from training.data import ptbxl

SEED = 0
# Of a hundred pairs without a change of labels, so many differ by less than a limit.
WITHIN = 95

Pair = tuple[str, str]


def measure(bundle: Bundle, root: Path, folds: Sequence[int], n: int) -> dict[str, Any]:
    """Measure by how much measurements and logits change between ECGs of the same labels.

    Compared is each ECG of a patient with the next one, where both have the same statements; at
    most `n` such pairs are drawn at random. Findings count where either ECG has them likely or
    possible. What changed in truth is in the results as well, above all of the heart rate.

    Returns
    -------
    folds, n : what was measured
    measurements : of each, how many pairs have it, and median and 95th percentile of its change
    logit : the same of the findings of all pairs together
    statements : the same of each statement

    Raises
    ------
    DataError
        If there is no data set, or no such pair in these folds.
    """
    pairs = unchanged(ptbxl.load(root).folds(folds).table)
    if not pairs:
        raise ptbxl.DataError(
            f"{root} has no two ECGs of one patient with the same statements in these folds. Name "
            "others with --fold."
        )
    drawn = [pairs[i] for i in np.random.default_rng(SEED).permutation(len(pairs))[:n]]
    rows = [
        row for pair in tqdm(drawn, "comparing", mininterval=2) for row in _rows(bundle, root, pair)
    ]
    changes = pd.DataFrame(rows, columns=["kind", "name", "change"])
    of_findings = changes[changes["kind"] == "finding"]
    return {
        "bundle": bundle.name,
        "revision": bundle.revision,
        "folds": list(folds),
        "n": len(drawn),
        "measurements": _by_name(changes[changes["kind"] == "measurement"]),
        "logit": _spread(of_findings["change"]),
        "statements": _by_name(of_findings),
    }


def unchanged(table: pd.DataFrame) -> list[Pair]:
    """Return the records of each two ECGs of a patient that follow each other with equal labels."""
    return [
        (then.record, now.record)
        for _, of_patient in table.groupby("patient", sort=True)
        for then, now in pairwise(of_patient.sort_values("ecg_id").itertuples())
        if set(then.codes) == set(now.codes)
    ]


def _rows(bundle: Bundle, root: Path, pair: Pair) -> Iterator[tuple[str, str, float]]:
    then, now = (ptbxl.read_record(root, record) for record in pair)
    for change in measurement_changes(measure_ecg(then), measure_ecg(now)):
        if change.difference is not None:
            yield "measurement", change.name, abs(change.difference)
    for finding in finding_changes(explain(then, bundle), explain(now, bundle)):
        if {finding.then.certainty, finding.now.certainty} != {"absent"}:
            yield "finding", finding.code, abs(finding.amount)


def _by_name(changes: pd.DataFrame) -> dict[str, dict[str, float]]:
    return {str(name): _spread(own["change"]) for name, own in changes.groupby("name", sort=False)}


def _spread(changes: pd.Series) -> dict[str, float]:
    # Of no finding that any pair has, nothing can differ.
    median, high = np.percentile(changes, [50, WITHIN]) if len(changes) else (0.0, 0.0)
    return {"n": len(changes), "median": round(float(median), 2), "p95": round(float(high), 2)}


def summary(results: dict[str, Any]) -> str:
    """Return the results of `measure` as lines of text."""
    lines = [f"{results['n']} pairs of ECGs of the same patient and labels", _HEAD]
    lines += [_line(name, spread) for name, spread in results["measurements"].items()]
    lines += [_line("logit of a finding", results["logit"])]
    lines += [_line(f"  {code}", spread) for code, spread in results["statements"].items()]
    return "\n".join(lines) + "\n"


_HEAD = f"{'change of':24}{'pairs':>7}{'median':>9}{'95 % below':>12}"


def _line(name: str, spread: dict[str, float]) -> str:
    return f"{name:24}{spread['n']:7}{spread['median']:9.2f}{spread['p95']:12.2f}"
