"""How often measurements contradict what an ECG is labelled with: the guards' own errors.

And the reverse: how often one stands out that no label, or no finding, speaks of.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tqdm import tqdm

from protoecg.bundle import Bundle
from protoecg.explain import decide_all
from protoecg.labels import Statement
from protoecg.measure import delineate, quantities
from protoecg.measured.contradictions import contradictions, judgeable, unmeasured
from protoecg.measured.unnamed import NAMES, speaks_of, standing_out, sure
from protoecg.quality import quality
from training.data import ptbxl
from training.measure.with_intervals import share
from training.metrics import wilson


class _Judged(NamedTuple):
    """The sentence about a label, and whether it is only that something could not be measured."""

    sentence: str
    unmeasured: bool


class _StandsOut(NamedTuple):
    """What stands out in an ECG, whether its labels speak of it, and whether one is NORM."""

    labelled: dict[str, bool]
    normal: bool


def measure(root: Path, fold: int, bundle: Bundle | None = None) -> dict[str, Any]:
    """Count the labels of a fold that measurements contradict, without any model.

    Parameters
    ----------
    bundle : of which to count too what stands out and its findings do not speak of

    Returns
    -------
    fold, n : what was measured
    statements : of each statement that is labelled: its `positives`, how many of these are
        `contradicted`, the share, its 95 % interval, and an `example` sentence; and how many
        more rest on what is `unmeasured`

    Raises
    ------
    DataError
        If there is no data set, or no ECG of the fold.
    """
    data = ptbxl.load(root).folds([fold])
    judged: dict[str, list[_Judged]] = {code: [] for code in data.statements}
    stand_out: list[_StandsOut] = []
    unnamed: list[_StandsOut] = []
    rows = zip(data.table["record"], data.table["codes"], strict=True)
    for record, codes in tqdm(rows, "measuring", len(data.table), unit="ECG", mininterval=2):
        ecg = ptbxl.read_record(data.root, record)
        found, recording = delineate(ecg), quality(ecg)
        values = judgeable(quantities(found), recording.wander)
        stand_out.append(_standing_out(sure(values, recording), [data.label_set[c] for c in codes]))
        if bundle:
            (explanation,) = decide_all([ecg], bundle, [found])
            names = {one.name for one in explanation.unnamed}
            unnamed.append(_only(names, stand_out[-1]))
        for code in codes:
            statement = data.label_set[code]
            sentence = " ".join(contradictions(statement, values))
            judged[code].append(_Judged(sentence, sentence in unmeasured(statement, values)))
    return {
        "fold": fold,
        "n": len(data.table),
        "statements": {code: _of_statement(own) for code, own in judged.items()},
        "standing_out": _counted(stand_out),
        **({"bundle": bundle.name, "unnamed": _counted(unnamed)} if bundle else {}),
    }


def _standing_out(values: dict[str, float], labelled: Sequence[Statement]) -> _StandsOut:
    return _StandsOut(
        {
            name: any(speaks_of(statement, name, values) for statement in labelled)
            for name in standing_out(values)
        },
        any(statement.is_normal for statement in labelled),
    )


def _only(names: set[str], ecg: _StandsOut) -> _StandsOut:
    return ecg._replace(labelled={n: fits for n, fits in ecg.labelled.items() if n in names})


def _counted(ecgs: Sequence[_StandsOut]) -> dict[str, Any]:
    normal = [ecg for ecg in ecgs if ecg.normal]
    return {
        "ecgs": sum(bool(ecg.labelled) for ecg in ecgs),
        **share("labelled_normal", sum(bool(ecg.labelled) for ecg in normal), len(normal)),
        "names": {
            name: {
                "ecgs": len(having),
                "labelled": sum(ecg.labelled[name] for ecg in having),
                "normal": sum(ecg.normal for ecg in having),
            }
            for name in NAMES
            if (having := [ecg for ecg in ecgs if name in ecg.labelled])
        },
    }


def _of_statement(judged: list[_Judged]) -> dict[str, Any]:
    contradicted = [one.sentence for one in judged if one.sentence and not one.unmeasured]
    return {
        "positives": len(judged),
        "contradicted": len(contradicted),
        "share": len(contradicted) / len(judged),
        "interval": list(wilson(len(contradicted), len(judged))),
        "example": contradicted[0] if contradicted else "",
        "unmeasured": sum(one.unmeasured for one in judged),
    }


def _more(unmeasured: int) -> str:
    return f", and {unmeasured} that rest on what could not be measured" if unmeasured else ""


def summary(results: dict[str, Any]) -> str:
    """Return the results of `measure` as lines of text, the most contradicted statement first."""
    ranked = sorted(results["statements"].items(), key=lambda item: -item[1]["share"])
    lines = [f"{results['n']} ECGs of fold {results['fold']}: labels that measurements contradict"]
    lines += [
        f"  {code}: {own['contradicted']} of {own['positives']} ({own['share']:.0%})"
        f"{_more(own['unmeasured'])}"
        for code, own in ranked
        if own["contradicted"] or own["unmeasured"]
    ]
    lines += _lines("measurements that stand out", results["standing_out"])
    if "unnamed" in results:
        lines += _lines(f"that no finding of {results['bundle']} speaks of", results["unnamed"])
    return "\n".join(lines) + "\n"


def _lines(words: str, counts: dict[str, Any]) -> list[str]:
    normal = counts["labelled_normal"]
    of_normal = "" if normal is None else f", {normal:.1%} of those labelled normal"
    return [
        f"{words}: {counts['ecgs']} ECGs{of_normal}",
        *(
            f"  {name}: {own['ecgs']}, {own['labelled']} labelled so, {own['normal']} normal"
            for name, own in counts["names"].items()
        ),
    ]
