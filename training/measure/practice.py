"""What reports of one make of recorder say that those of another hardly ever do.

In PTB-XL the make tells who reported and in which words: reports on some ECGs never call a QRS
complex merely abnormal, those on others never a PR interval merely long. A call of such a statement
is not labelled there, however right it is. The make is no evidence, and no model is given it; it
only tells how far the labels bear out what they measure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import logit

from protoecg.bundle import Bundle
from training.data import ptbxl
from training.data.dataset import DataError, Dataset, folds_of
from training.fit.calibrate import cross_fitted
from training.judgement import Judgement, fused
from training.measure import calls
from training.measure.evaluate import measured_offsets, similarities

# Of how often the reports on other makes say it: less than this is hardly ever.
HARDLY = 0.1
# Where so many would be expected by the other makes, chance does not leave it out.
EXPECTED = 20


def measure(bundle: Bundle, root: Path, fold: int) -> dict[str, Any]:
    """Measure what calls are worth where reports use the statement, and anywhere.

    Thresholds and scales are those of other patients' ECGs of the fold. Which make's reports use a
    statement, and how often, is known from the folds that the bundle was trained on.

    Returns
    -------
    bundle, revision, fold, n : what was measured
    makes : of each make of recorder, how many training `ecgs` it has, and the statements `unused`
        in their reports, each with its share there, and elsewhere
    all_labels : `calls.certainty` over all ECGs and statements
    where_used : over those alone whose reports use the statement
    make_known : over all, were the logits moved by how often the make's reports say so

    Raises
    ------
    DataError
        If the data set does not name the recorders, or the bundle was not trained on it.
    """
    dataset = ptbxl.load(root)
    trained = folds_of(bundle.about, dataset, "train_folds")
    if not trained:
        raise DataError(f"{bundle.path} was not trained on {dataset.name}, so nothing is known.")
    train, data = dataset.folds(sorted(trained)), dataset.folds([fold])
    statements = bundle.statements
    makes = of_makes(train, statements)
    if len(makes) < 2:
        raise DataError(f"{root} does not name two makes of recorder in `device`.")
    labels, patients = data.labels(statements), data.table["patient"].to_numpy()
    (seen,), (offset,) = similarities([bundle.network], data), measured_offsets([bundle], data)
    logits = fused(bundle.network, seen, offset)
    used, moved = _of_ecgs(data, makes, statements), _moves(train, data, makes, statements)
    judged = cross_fitted(logits, labels, patients)
    known = cross_fitted(logits + moved, labels, patients)
    return {
        "bundle": bundle.name,
        "revision": bundle.revision,
        "fold": fold,
        "n": len(labels),
        "makes": makes,
        "all_labels": calls.certainty(statements, labels > 0, judged),
        "where_used": calls.certainty(statements, (labels > 0) & used, _only(judged, used)),
        "make_known": calls.certainty(statements, labels > 0, known),
    }


def of_makes(data: Dataset, statements: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return of each make of recorder its `ecgs`, and the statements `unused` in their reports."""
    labels, makes = data.labels(statements), data.table["recorder"].to_numpy()
    practices = {}
    for make in sorted(set(makes) - {""}):
        own = makes == make
        if own.all():
            continue
        here, elsewhere = labels[own].mean(axis=0), labels[~own].mean(axis=0)
        hardly = (here < HARDLY * elsewhere) & (elsewhere * own.sum() >= EXPECTED)
        practices[make] = {
            "ecgs": int(own.sum()),
            "unused": {
                code: {"share": float(share), "elsewhere": float(other)}
                for code, share, other, seldom in zip(
                    statements, here, elsewhere, hardly, strict=True
                )
                if seldom
            },
        }
    return practices


def _of_ecgs(
    data: Dataset, makes: Mapping[str, Mapping[str, Any]], statements: Sequence[str]
) -> np.ndarray:
    """Whether reports on each ECG's make use each statement: (n, c)."""
    unused = {make: practice["unused"] for make, practice in makes.items()}
    rows = [unused.get(make, {}) for make in data.table["recorder"]]
    return np.array([[code not in row for code in statements] for row in rows])


def _moves(
    train: Dataset, data: Dataset, makes: Mapping[str, Any], statements: Sequence[str]
) -> np.ndarray:
    """How much more often, in logits, each ECG's make is labelled than all are: (n, c)."""
    labels, made_by = train.labels(statements), train.table["recorder"].to_numpy()
    moves = np.zeros((len(data.table), len(statements)))
    for make in makes:
        own = data.table["recorder"].to_numpy() == make
        moves[own] = _log_odds(labels[made_by == make]) - _log_odds(labels)
    return moves


def _log_odds(labels: np.ndarray) -> np.ndarray:
    return logit((labels.sum(axis=0) + 1) / (len(labels) + 2))


def _only(judgement: Judgement, used: np.ndarray) -> Judgement:
    return Judgement(
        judgement.probability,
        judgement.called & used,
        judgement.possible & used,
        judgement.cross_fitted,
    )


def summary(results: Mapping[str, Any]) -> str:
    """Return the results of `measure` as lines of text."""
    lines = [f"{results['n']} ECGs of fold {results['fold']}, statements other than SR and NORM"]
    for make, own in results["makes"].items():
        codes = ", ".join(own["unused"]) or "none"
        lines.append(f"  hardly ever in reports of {make} ({own['ecgs']} training ECGs): {codes}")
    lines += [_line(words, results[key]) for key, words in _ROWS.items()]
    return "\n".join(lines) + "\n"


_ROWS = {
    "all_labels": "by all labels",
    "where_used": "where reports use the statement",
    "make_known": "by all labels, were the make known",
}


def _line(words: str, metrics: Mapping[str, Any]) -> str:
    likely, wrong = metrics["likely"], metrics["ecgs_with_wrong_likely"]
    if likely["ppv"] is None:
        return f"likely, {words}: none"
    return (
        f"likely, {words}: {likely['ppv']:.1%} labelled, {likely['sensitivity']:.1%} of the "
        f"labelled; {wrong:.1%} of ECGs have a wrong one"
    )
