"""Cases for a reader study: patients' ECGs with matches, pairs of explanations, and readings.

What it returns is what `python -m review_db study create --cases` takes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pandas as pd
from tqdm import tqdm

from protoecg.bundle import Bundle
from protoecg.explain import explain
from protoecg.explanation import Explanation, Finding, Match
from protoecg.prototypes.waveforms import record_checksum
from training.data.dataset import DataError, Dataset, folds_of
from training.data.ptbxl import read_record

SHOWN_MATCHES, SHOWN_FINDINGS = 3, 5
# One ECG of each of so many patients is explained for every case asked for.
POOL_PER_CASE = 25


@dataclass(frozen=True)
class Numbers:
    """How many cases of each kind; `specificity` are readings without the finding in question."""

    matches: int = 0
    pairs: int = 0
    readings: int = 0
    specificity: int = 0

    @property
    def all(self) -> int:
        """Of all kinds together."""
        return self.matches + self.pairs + self.readings + self.specificity


class _Case(NamedTuple):
    """A patient's ECG, as it is explained by the bundle and, where there is one, by the other."""

    row: pd.Series
    explained: tuple[Explanation, ...]


def cases(
    bundle: Bundle,
    dataset: Dataset,
    numbers: Numbers,
    *,
    other: Bundle | None = None,
    seed: int = 0,
    progress: Callable = tqdm,
) -> dict[str, list[dict[str, Any]]]:
    """Draw cases from ECGs of `dataset`, each of another patient, spread over the statements.

    Returns
    -------
    `matches`: the strongest match of a finding that `bundle` calls present, right or wrong.
    `pairs`: such a finding as `bundle` (a) and `other` (b) explain it, where both call it.
    `readings`: an ECG that has a statement, with all that is called and the strongest match of
    each; then as many as asked for that surely don't have the statement they are about, which is
    one of those before: half of them such that `bundle` calls it, as far as there are any.
    `truth` is the ECG's labels in the data set; reviewers are not shown it.

    Raises
    ------
    DataError
        If pairs are asked for without a second bundle, readings without a statement where there
        are none with one, or there are too few ECGs to draw from.
    """
    if numbers.pairs and other is None:
        raise DataError("Pairs compare the explanations of two bundles; name the other one.")
    if numbers.specificity and not numbers.readings:
        raise DataError(
            "Specificity cases are without the statements that readings are about. Ask for "
            "readings too."
        )
    chance = random.Random(seed)  # noqa: S311
    pool = _pool(dataset, POOL_PER_CASE * numbers.all, chance)
    bundles = [bundle, other] if other else [bundle]
    explained = [_explained(row, dataset, bundles) for row in progress(pool, unit="ECG")]
    used: set[str] = set()
    drawn: dict[str, list[dict[str, Any]]] = {}
    for kind, number, offered, content in (
        ("readings", numbers.readings, _statements, _reading),
        ("pairs", numbers.pairs, _called_by_both, _pair),
        ("matches", numbers.matches, _called, _match),
    ):
        chosen = _in_turn(explained, offered, number, used, chance)
        _refuse_few(chosen, number, kind, len(pool))
        if kind == "readings":
            chosen += _without(explained, chosen, numbers.specificity, used, chance)
            _refuse_few(chosen, number + numbers.specificity, "readings in all", len(pool))
        drawn[kind] = [
            {**_about(case, f"{kind}-{n}", dataset), **content(case, statement)}
            for n, (case, statement) in enumerate(chosen, start=1)
        ]
    return drawn


def _refuse_few(chosen: Sequence[Any], number: int, what: str, patients: int) -> None:
    if len(chosen) < number:
        raise DataError(
            f"Only {len(chosen)} {what} can be drawn from {patients} patients, {number} are asked "
            "for. Ask for fewer, or name more folds."
        )


def _without(
    explained: Sequence[_Case],
    readings: Sequence[tuple[_Case, str]],
    number: int,
    used: set[str],
    chance: random.Random,
) -> list[tuple[_Case, str]]:
    """Take cases that surely don't have the statement in question, the model's errors first."""
    studied = list(dict.fromkeys(statement for _, statement in readings))

    def absent(case: _Case) -> list[str]:
        return [code for code in studied if _is_surely_absent(case.row, code)]

    def called_wrongly(case: _Case) -> list[str]:
        return [code for code in absent(case) if code in _called(case)]

    def not_called(case: _Case) -> list[str]:
        return [code for code in absent(case) if code not in _called(case)]

    wrong = _in_turn(explained, called_wrongly, -(-number // 2), used, chance)
    right = _in_turn(explained, not_called, number - len(wrong), used, chance)
    more = _in_turn(explained, called_wrongly, number - len(wrong) - len(right), used, chance)
    return [*wrong, *right, *more]


def _is_surely_absent(ecg: pd.Series, code: str) -> bool:
    """Say whether a statement is missing at any likelihood from labels that a human validated."""
    return code not in ecg["codes"] and ecg.get("validated") in (None, True)


def notes(bundle: Bundle, dataset: Dataset) -> list[str]:
    """Return what readers of a study should know of the ECGs that its cases are from."""
    chose = set(dataset.table["fold"]) & folds_of(bundle.about, dataset, "validation_folds")
    if not chose:
        return []
    return [
        f"fold {', '.join(map(str, sorted(chose)))} chose and calibrated {bundle.name}: its calls "
        "there are better than on new ECGs. It will do to try a study; for one that is published "
        "take another."
    ]


def refuse_trained_on(bundle: Bundle, dataset: Dataset) -> None:
    """Raise `DataError` if the bundle was trained on ECGs of `dataset`, which it knows by heart."""
    trained = set(dataset.table["fold"]) & folds_of(bundle.about, dataset, "train_folds")
    if trained:
        folds = ", ".join(map(str, sorted(trained)))
        raise DataError(
            f"{bundle.path} was trained on fold {folds}: its explanations there say nothing of new "
            "ECGs. Name folds that it was not trained on."
        )


def carried(bundle: Bundle) -> Dataset:
    """Return the ECGs that a simulated bundle carries: its prototypes', as a data set."""
    rows = [
        {"record": p.record, "patient": p.patient, "codes": p.statements} for p in bundle.prototypes
    ]
    table = pd.DataFrame(rows).drop_duplicates("record")
    return Dataset(bundle.path / "waveforms", bundle.name, True, "", bundle.labels, table)


def _pool(dataset: Dataset, size: int, chance: random.Random) -> list[pd.Series]:
    rows = [row for _, row in dataset.table.drop_duplicates("patient").iterrows()]
    return chance.sample(rows, min(size, len(rows)))


def _explained(row: pd.Series, dataset: Dataset, bundles: Sequence[Bundle]) -> _Case:
    ecg = read_record(dataset.root, row["record"])
    return _Case(row, tuple(explain(ecg, bundle) for bundle in bundles))


def _in_turn(
    explained: Sequence[_Case],
    offered: Callable[[_Case], Iterable[str]],
    number: int,
    used: set[str],
    chance: random.Random,
) -> list[tuple[_Case, str]]:
    """Take a case of each statement in turn, until there are enough or none is left."""
    of_statement: dict[str, list[_Case]] = {}
    for case in explained:
        for statement in offered(case):
            of_statement.setdefault(statement, []).append(case)
    strata = {
        s: iter(of_statement[s]) for s in chance.sample(list(of_statement), len(of_statement))
    }
    chosen: list[tuple[_Case, str]] = []
    while strata and len(chosen) < number:
        for statement in list(strata):
            left = (c for c in strata[statement] if c.row["patient"] not in used)
            taken = next(left, None)
            if taken is None:
                del strata[statement]
            elif len(chosen) < number:
                used.add(taken.row["patient"])
                chosen.append((taken, statement))
    return chosen


def _statements(case: _Case) -> list[str]:
    decided = {finding.code for finding in case.explained[0].findings}
    return [code for code in case.row["codes"] if code in decided]


def _called(case: _Case) -> list[str]:
    return [finding.code for finding in case.explained[0].findings if _is_shown(finding)]


def _called_by_both(case: _Case) -> list[str]:
    theirs = {finding.code for finding in case.explained[-1].findings if _is_shown(finding)}
    return [code for code in _called(case) if code in theirs]


def _is_shown(finding: Finding) -> bool:
    return finding.present and bool(_support(finding))


def _support(finding: Finding) -> list[Match]:
    return [match for match in finding.matches if match.contribution > 0]


def _about(case: _Case, name: str, dataset: Dataset) -> dict[str, Any]:
    record = case.row["record"]
    return {
        "case": name,
        "ecg": {"record": record, "sha256": record_checksum(dataset.root, record)},
        "truth": list(case.row["codes"]),
    }


def _match(case: _Case, statement: str) -> dict[str, Any]:
    best = _support(_finding(case.explained[0], statement))[0]
    return {
        "statement": statement,
        "prototype": best.prototype.name,
        "window_s": list(best.window_s),
        "similarity": best.similarity,
    }


def _pair(case: _Case, statement: str) -> dict[str, Any]:
    a, b = (
        _explanation(explained, [(statement, match) for match in _strongest(explained, statement)])
        for explained in case.explained
    )
    return {"statement": statement, "a": a, "b": b}


def _reading(case: _Case, statement: str) -> dict[str, Any]:
    explained = case.explained[0]
    called = [finding for finding in explained.findings if _is_shown(finding)][:SHOWN_FINDINGS]
    shown = [(finding.code, _support(finding)[0]) for finding in called]
    calls = [
        {"statement": finding.code, "probability": finding.probability}
        for finding in explained.findings
        if finding.present
    ]
    explanation = _explanation(explained, shown)
    return {"statement": statement, "calls": calls, "explanation": explanation}


def _strongest(explained: Explanation, statement: str) -> list[Match]:
    return _support(_finding(explained, statement))[:SHOWN_MATCHES]


def _finding(explained: Explanation, statement: str) -> Finding:
    return next(finding for finding in explained.findings if finding.code == statement)


def _explanation(explained: Explanation, shown: Sequence[tuple[str, Match]]) -> Mapping[str, Any]:
    return {
        "bundle": explained.bundle,
        "matches": [
            {
                "statement": statement,
                "window_s": list(match.window_s),
                "prototype": {
                    "record": match.prototype.record,
                    "sha256": match.prototype.sha256,
                    "window_s": list(match.prototype.window_s),
                },
            }
            for statement, match in shown
        ],
    }
