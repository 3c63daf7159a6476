"""How many labelled ECGs a recalibration needs, by simulation.

A bundle's logits on ECGs that it is calibrated for are put out of order as another hospital might:
each statement's is stretched and shifted by chance. So many ECGs are then drawn, by patients, to
calibrate them again, and those that no number draws judge. The true stretch and shift are known,
and so is what calibration could gain at best.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.special import expit

from protoecg import wording
from protoecg.bundle import Bundle
from training.data import ptbxl
from training.fit import calibrate
from training.judgement import Judgement, fused, rare
from training.measure import calls, evaluate

NUMBERS = (50, 100, 200, 300, 500, 1000)
# Of the stretch's logarithm, and of the shift: middle and spread over statements.
STRETCH, SHIFT = (-0.2, 0.3), (-1.0, 1.0)
MOST = 2 / 3
KNOWN, NOTHING = "known", "none"
# Of each metric: how it is printed, its unit, times what.
FORMS = {
    "brier": (".4f", "", 1),
    "precision": (".0f", " %", 100),
    "sensitivity": (".0f", " %", 100),
    "expected": (".2f", "", 1),
}


class _Ecgs(NamedTuple):
    """Logits as they are, stretch and shift that undo what was put in, labels: (n, c), (c,)."""

    logits: np.ndarray
    scale: np.ndarray
    shift: np.ndarray
    labels: np.ndarray
    patients: np.ndarray


def simulate_sizes(
    bundle: Bundle,
    root: Path,
    folds: Sequence[int],
    numbers: Sequence[int] = NUMBERS,
    times: int = 20,
) -> dict[str, Any]:
    """Simulate recalibrations of a bundle by each number of ECGs of some folds.

    Numbers that would leave less than a third of the ECGs to judge are left out.

    Returns
    -------
    bundle, revision, folds, n, times : what was simulated
    rows : for each number of ECGs, for none and for the `known` truth: mean and range (central
        90 %) over the simulations of the `brier` score (mean of statements), `precision` and
        `sensitivity` of likely findings, and the findings that are `expected` for one labelled
        (sum of probabilities over sum of labels); `own`: statements that ten drawn ECGs carry
    """
    data = ptbxl.load(root).folds(folds)
    (seen,) = evaluate.similarities([bundle.network], data)
    (offset,) = evaluate.measured_offsets([bundle], data)
    labels, patients = data.labels(bundle.statements), data.table["patient"].to_numpy()
    logits = fused(bundle.network, seen, offset)
    unusual = np.array([bundle.labels[c].scp not in calls.USUAL for c in bundle.statements])
    rows: dict[str, list[dict[str, float]]] = {}
    for seed in range(times):
        chance = np.random.default_rng(seed)
        ecgs = _out_of_order(logits, labels, patients, chance)
        for name, values in _simulated(bundle, ecgs, unusual, numbers, chance):
            rows.setdefault(name, []).append(values)
    return {
        "bundle": bundle.name,
        "revision": bundle.revision,
        "folds": list(folds),
        "n": len(labels),
        "times": times,
        "rows": {name: _over(values) for name, values in rows.items()},
    }


def _out_of_order(
    logits: np.ndarray, labels: np.ndarray, patients: np.ndarray, chance: np.random.Generator
) -> _Ecgs:
    stretch = np.exp(chance.normal(*STRETCH, logits.shape[1]))
    shift = chance.normal(*SHIFT, logits.shape[1])
    return _Ecgs(logits * stretch + shift, 1 / stretch, -shift / stretch, labels, patients)


def _simulated(
    bundle: Bundle,
    ecgs: _Ecgs,
    unusual: np.ndarray,
    numbers: Sequence[int],
    chance: np.random.Generator,
) -> Iterator[tuple[str, dict[str, float]]]:
    """Yield what each number of ECGs gives on those that none of the numbers draws."""
    own = [bundle.decisions[code] for code in bundle.statements]
    numbers = [n for n in numbers if n <= MOST * len(ecgs.labels)]
    drawn = _drawn(ecgs.patients, numbers, chance)
    rest = ~np.any(drawn, axis=0) if numbers else np.ones(len(ecgs.labels), dtype=bool)
    logits, labels = ecgs.logits[rest], ecgs.labels[rest]
    yield NOTHING, _worth(evaluate.by_thresholds(logits, own), labels, unusual)
    for n, part in zip(numbers, drawn, strict=True):
        scale, shift = calibrate.platt(ecgs.logits[part], ecgs.labels[part])
        probability = expit(scale * ecgs.logits[part] + shift)
        decided = calibrate.decide(ecgs.labels[part], probability)
        judged = evaluate.by_thresholds(scale * logits + shift, decided)
        enough_of = float((~rare(ecgs.labels[part])).sum())
        yield str(n), {**_worth(judged, labels, unusual), "own": enough_of}
    judged = evaluate.by_thresholds(ecgs.scale * logits + ecgs.shift, own)
    yield KNOWN, _worth(judged, labels, unusual)


def _drawn(
    patients: np.ndarray, numbers: Sequence[int], chance: np.random.Generator
) -> list[np.ndarray]:
    """Draw all ECGs of patients until a number is reached: (all,) bool for each number."""
    _, patient = np.unique(patients, return_inverse=True)
    order = chance.permutation(patient.max() + 1)
    taken = np.bincount(patient)[order].cumsum()
    return [np.isin(patient, order[: np.searchsorted(taken, n) + 1]) for n in numbers]


def _worth(judged: Judgement, labels: np.ndarray, unusual: np.ndarray) -> dict[str, float]:
    present, called = labels[:, unusual] > 0, judged.called[:, unusual]
    hits = float((present & called).sum())
    return {
        "brier": float(((judged.probability - labels) ** 2).mean()),
        "precision": hits / max(float(called.sum()), 1.0),
        "sensitivity": hits / max(float(present.sum()), 1.0),
        "expected": float(judged.probability.sum() / labels.sum()),
    }


def _over(values: Sequence[dict[str, float]]) -> dict[str, Any]:
    names = values[0]
    return {
        name: {
            "mean": float(np.mean([one[name] for one in values])),
            "range": np.quantile([one[name] for one in values], [0.05, 0.95]).tolist(),
        }
        for name in names
    }


def summary(results: dict[str, Any]) -> str:
    """Return the table of `simulate_sizes`."""
    folds = ", ".join(map(str, results["folds"]))
    head = (
        f"{results['times']} simulations on {results['n']} ECGs of fold {folds}\n\n"
        "| ECGs | statements with ten | Brier score | likely findings labelled | labelled ones "
        "likely | findings expected for one labelled |\n|---|---|---|---|---|---|\n"
    )
    return head + "".join(f"{_row(name, own)}\n" for name, own in results["rows"].items())


def _row(name: str, own: dict[str, Any]) -> str:
    words = {NOTHING: "none: as it is", KNOWN: "the truth, known"}.get(name, name)
    of_its_own = f"{own['own']['mean']:.0f}" if "own" in own else ""
    cells = [_cell(own[name], *form) for name, form in FORMS.items()]
    return f"| {words} | {of_its_own} | {' | '.join(cells)} |"


def _cell(own: dict[str, Any], form: str, unit: str, times: float) -> str:
    ends = wording.between([times * end for end in own["range"]], form)
    return f"{times * own['mean']:{form}}{unit} ({ends})"
