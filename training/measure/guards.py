"""How often measurements contradict what an ECG is labelled with: the guards' own errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from protoecg.measure import delineate, quantities
from protoecg.measured.contradictions import contradictions, judgeable, unmeasured
from protoecg.quality import quality
from training.data import ptbxl
from training.metrics import wilson


class _Said(NamedTuple):
    """What is said of a label, and whether that is only that something could not be measured."""

    sentence: str
    unmeasured: bool


def measure(root: Path, fold: int) -> dict[str, Any]:
    """Count the labels of a fold that measurements contradict, without any model.

    Returns
    -------
    fold, n : what was measured
    statements : of each statement that is labelled: its `positives`, how many of these are
        `contradicted`, the share, its 95 % interval, and an `example` of what is said; and of how
        many more it is said that what they rest on is `unmeasured`

    Raises
    ------
    DataError
        If there is no data set, or no ECG of the fold.
    """
    data = ptbxl.load(root).folds([fold])
    told: dict[str, list[_Said]] = {code: [] for code in data.statements}
    rows = zip(data.table["record"], data.table["codes"], strict=True)
    for record, codes in tqdm(rows, "measuring", len(data.table), unit="ECG", mininterval=2):
        ecg = ptbxl.read_record(data.root, record)
        values = judgeable(quantities(delineate(ecg)), quality(ecg).wander)
        for code in codes:
            statement = data.label_set[code]
            sentence = " ".join(contradictions(statement, values))
            told[code].append(_Said(sentence, sentence in unmeasured(statement, values)))
    return {
        "fold": fold,
        "n": len(data.table),
        "statements": {code: _of_statement(said) for code, said in told.items()},
    }


def _of_statement(said: list[_Said]) -> dict[str, Any]:
    contradicted = [one.sentence for one in said if one.sentence and not one.unmeasured]
    return {
        "positives": len(said),
        "contradicted": len(contradicted),
        "share": len(contradicted) / len(said),
        "interval": list(wilson(len(contradicted), len(said))),
        "example": contradicted[0] if contradicted else "",
        "unmeasured": sum(one.unmeasured for one in said),
    }


def _more(unmeasured: int) -> str:
    return f", and {unmeasured} that rest on what could not be measured" if unmeasured else ""


def summary(told: dict[str, Any]) -> str:
    """Return the results of `measure` as lines of text, the most contradicted statement first."""
    ranked = sorted(told["statements"].items(), key=lambda item: -item[1]["share"])
    lines = [f"{told['n']} ECGs of fold {told['fold']}: labels that measurements contradict"]
    lines += [
        f"  {code}: {own['contradicted']} of {own['positives']} ({own['share']:.0%})"
        f"{_more(own['unmeasured'])}"
        for code, own in ranked
        if own["contradicted"] or own["unmeasured"]
    ]
    return "\n".join(lines) + "\n"
