"""How often measurements contradict what an ECG is labelled with: the guards' own errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tqdm import tqdm

from protoecg.measure import delineate, quantities
from protoecg.measured.contradictions import contradictions, judgeable
from protoecg.quality import quality
from training.data import ptbxl
from training.metrics import wilson


def measure(root: Path, fold: int) -> dict[str, Any]:
    """Count the labels of a fold that measurements contradict, without any model.

    Returns
    -------
    fold, n : what was measured
    statements : of each statement that is labelled: its `positives`, how many of these are
        `contradicted`, the share, its 95 % interval, and an `example` of what is said

    Raises
    ------
    DataError
        If there is no data set, or no ECG of the fold.
    """
    data = ptbxl.load(root).folds([fold])
    told: dict[str, list[str]] = {code: [] for code in data.statements}
    rows = zip(data.table["record"], data.table["codes"], strict=True)
    for record, codes in tqdm(rows, "measuring", len(data.table), unit="ECG", mininterval=2):
        ecg = ptbxl.read_record(data.root, record)
        values = judgeable(quantities(delineate(ecg)), quality(ecg).wander)
        for code in codes:
            told[code].append(" ".join(contradictions(code, values)))
    return {
        "fold": fold,
        "n": len(data.table),
        "statements": {code: _of_statement(said) for code, said in told.items()},
    }


def _of_statement(said: list[str]) -> dict[str, Any]:
    contradicted = [sentence for sentence in said if sentence]
    return {
        "positives": len(said),
        "contradicted": len(contradicted),
        "share": len(contradicted) / len(said),
        "interval": list(wilson(len(contradicted), len(said))),
        "example": contradicted[0] if contradicted else "",
    }


def summary(told: dict[str, Any]) -> str:
    """Return the figures of `measure` as lines of text, the most contradicted statement first."""
    ranked = sorted(told["statements"].items(), key=lambda item: -item[1]["share"])
    lines = [f"{told['n']} ECGs of fold {told['fold']}: labels that measurements contradict"]
    lines += [
        f"  {code}: {own['contradicted']} of {own['positives']} ({own['share']:.0%})"
        for code, own in ranked
        if own["contradicted"]
    ]
    return "\n".join(lines) + "\n"
