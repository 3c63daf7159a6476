"""What a bundle says of known changes in normal ECGs, and of the early beats of real ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from protoecg.bundle import Bundle
from protoecg.explain import explain
from protoecg.explanation import Explanation, Finding
from protoecg.quality import quality
from protoecg.signals import MODEL_RATE
from protoecg.wording import is_whole_strip
from training.data import ptbxl
from training.measure.faithfulness.locating import against_chance, centred, holds
from training.measure.known_changes.catalogue import Change, changes
from training.measure.known_changes.premature import premature
from training.measure.known_changes.subject import Changed, Subject
from training.metrics import wilson

ECGS = 60
SEED = 0
NORMAL = "NORM"
# What a normal ECG may be labelled and found with.
_PLAIN = {NORMAL, "SR"}
HEART_RATE = 50, 90


@dataclass(frozen=True, eq=False)
class _Normal:
    """A normal ECG, and its explanation before any change."""

    subject: Subject
    explanation: Explanation


def measure(bundle: Bundle, root: Path, fold: int, n: int = ECGS) -> dict[str, Any]:
    """Put known changes into normal ECGs of a fold and count what a bundle calls in them.

    Normal are ECGs labelled NORM and SR alone that the bundle calls so, at 50 to 90 bpm, without a
    remark on their recording, whose waves can all be measured.

    Returns
    -------
    bundle, revision, fold, n : what was measured, on how many ECGs
    changes : of each change, how many `ecgs` had room for it and measure as asked, and the shares
        of these in which a `fitting` statement is `likely`, and `called`: likely or possible, each
        also `before` the change; in which one is called or else the measurement says so (`told`,
        see `protoecg.measured.unnamed`); in which `normal` is still likely; and, of the fitting
        statement that is most probable, where windows are compared, how often the strongest
        match's window `holds` half of a changed stretch, beside the chance of a window anywhere,
        and how often its `centre` lies in one
    premature : see `premature`

    Raises
    ------
    DataError
        If the fold has no such ECG.
    """
    data = ptbxl.load(root).folds([fold])
    normal = list(_normal(bundle, data, n))
    if not normal:
        raise ptbxl.DataError(
            f"Fold {fold} of {root} has no ECG that is labelled, and found, to be normal with "
            "waves that can all be measured. Measure another fold."
        )
    return {
        "bundle": bundle.name,
        "revision": bundle.revision,
        "fold": fold,
        "n": len(normal),
        "changes": {
            change.name: _results(change, bundle, normal)
            for change in tqdm(list(changes()), "changes", mininterval=2)
        },
        "premature": premature(bundle, data),
    }


def _normal(bundle: Bundle, data: ptbxl.Dataset, n: int) -> Iterator[_Normal]:
    plain = data.table[[set(codes) <= _PLAIN and NORMAL in codes for codes in data.table["codes"]]]
    found = 0
    for record in plain["record"].sample(frac=1, random_state=SEED):
        if found == n:
            return
        ecg = ptbxl.read_record(data.root, record)
        subject = None if quality(ecg).sentences else Subject.of(ecg)
        if subject is None or not HEART_RATE[0] <= subject.values["heart_rate"] <= HEART_RATE[1]:
            continue
        explanation = explain(ecg, bundle)
        likely = {finding.code for finding in explanation.findings if finding.present}
        if not explanation.abstains and NORMAL in likely and likely <= _PLAIN:
            found += 1
            yield _Normal(subject, explanation)


def _results(change: Change, bundle: Bundle, normal: Sequence[_Normal]) -> dict[str, Any]:
    """Return the results of one change, see `measure`."""
    made = [
        (one.explanation, changed)
        for one in normal
        if (changed := change.of(one.subject)) is not None
    ]
    before = [explanation for explanation, _ in made]
    after = [explain(changed.ecg, bundle) for _, changed in made]
    windows = [
        rates
        for explanation, (_, changed) in zip(after, made, strict=True)
        if (rates := _localisation(_fitting(explanation, change), changed))
    ]
    means = np.mean(windows, axis=0).tolist() if windows else [None] * 4
    return {
        "ecgs": len(made),
        "fitting": list(change.fitting),
        "likely": _share(
            any(f.present for f in _fitting(explanation, change)) for explanation in after
        ),
        "called": _share(_called(explanation, change) for explanation in after),
        "called_before": _share(_called(explanation, change) for explanation in before),
        "told": _share(_named_or_measured(explanation, change) for explanation in after),
        "normal": _share(
            f.present for explanation in after for f in explanation.findings if f.code == NORMAL
        ),
        "windows": len(windows),
        **dict(zip(_LOCALISATION, means, strict=True)),
    }


_LOCALISATION = ("holds", "holds_by_chance", "centre", "centre_by_chance")


def _fitting(explanation: Explanation, change: Change) -> list[Finding]:
    return [finding for finding in explanation.findings if finding.code in change.fitting]


def _called(explanation: Explanation, change: Change) -> bool:
    return any(finding.certainty != "absent" for finding in _fitting(explanation, change))


def _named_or_measured(explanation: Explanation, change: Change) -> bool:
    return _called(explanation, change) or any(
        one.name in change.measured for one in explanation.unnamed
    )


def _localisation(fitting: Iterable[Finding], changed: Changed) -> list[float]:
    """Return whether the leading window holds the change; none where it is the whole strip."""
    local = [f for f in fitting if f.speaking and not is_whole_strip(f.matches[0].window_s)]
    if not local or not len(changed.spans_s):
        return []
    leading = max(local, key=lambda finding: finding.logit).matches[0]
    start, end = (round(seconds * MODEL_RATE) for seconds in leading.window_s)
    return [
        metric
        for rule in (holds, centred)
        for metric in against_chance(rule, (start, end), changed.spans_s * MODEL_RATE)
    ]


def _share(hits: Iterable[bool]) -> dict[str, Any]:
    outcomes = list(hits)
    ends = wilson(sum(outcomes), len(outcomes))
    return {
        "share": sum(outcomes) / len(outcomes) if outcomes else None,
        "interval": [None if np.isnan(end) else end for end in ends],
    }


def summary(results: dict[str, Any]) -> str:
    """Return the results of `measure` as lines of text."""
    lines = [f"{results['n']} normal ECGs of fold {results['fold']}, each with a known change"]
    for name, own in results["changes"].items():
        shares = (f"{words} {_percent(own[key]['share'])}" for key, words in _IN_WORDS.items())
        lines.append(f"  {name} ({own['ecgs']} ECGs): {', '.join(shares)}{_where(own)}")
    for code, own in results["premature"].items():
        lines.append(f"  real {code}, {own['ecgs']} ECGs{_where(own)}")
    return "\n".join(lines) + "\n"


_IN_WORDS = {
    "likely": "fitting likely",
    "called": "likely or possible",
    "called_before": "before",
    "told": "named or said by the measurement",
    "normal": "still normal",
}


def _where(own: dict[str, Any]) -> str:
    if own["holds"] is None:
        return ""
    held, chance = (_percent(own[key]) for key in ("holds", "holds_by_chance"))
    return f"; window holds it {held}, by chance {chance}"


def _percent(value: float | None) -> str:
    return "none" if value is None else f"{value:.0%}"
