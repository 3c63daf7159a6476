"""What a bundle and labelled ECGs of another hospital have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protoecg.bundle import Bundle
from protoecg.labels import LabelSet
from training.data.dataset import DataError, Dataset, folds_of
from training.judgement import fused
from training.measure import evaluate

# Fewer say next to nothing, see docs/training.md.
FEWEST = 30


@dataclass(frozen=True, eq=False)
class Local:
    """ECGs of a data set as a bundle sees them, in the statements that somebody there carries.

    Parameters
    ----------
    columns, statements : of the bundle's
    logits, labels : (n, len(columns))
    patients : (n,) patient of each ECG
    """

    dataset: Dataset
    columns: tuple[int, ...]
    statements: tuple[str, ...]
    logits: np.ndarray
    labels: np.ndarray
    patients: np.ndarray


def local(bundle: Bundle, dataset: Dataset) -> Local:
    """Return what the ECGs of a data set say of a bundle, but for those of folds that it knows.

    Raises
    ------
    DataError
        If there are too few, or none carries a statement that the bundle decides.
    """
    unseen = _unseen(bundle, dataset)
    found = _labels(bundle, unseen)
    columns = tuple(np.flatnonzero(found.any(axis=0)).tolist())
    if len(unseen.table) < FEWEST or not columns:
        raise DataError(
            f"{dataset.name} has {len(unseen.table)} ECGs that {bundle.name} was not made with, "
            f"and {len(columns)} of its statements among them. At least {FEWEST} ECGs are needed, "
            "with statements of the bundle's: by the same code, or by the same one in the column "
            "`scp` of the label set."
        )
    (seen,) = evaluate.similarities([bundle.network], unseen)
    (offset,) = evaluate.measured_offsets([bundle], unseen)
    logits = fused(bundle.network, seen, offset)
    patients = unseen.table["patient"].to_numpy()
    codes = tuple(bundle.statements[column] for column in columns)
    return Local(unseen, columns, codes, logits[:, columns], found[:, columns], patients)


def _unseen(bundle: Bundle, dataset: Dataset) -> Dataset:
    known = {
        fold
        for use in ("train_folds", "validation_folds")
        for fold in folds_of(bundle.about, dataset, use)
    }
    left = sorted(set(dataset.table["fold"]) - known)
    if not left:
        raise DataError(
            f"{bundle.name} was made with all folds of {dataset.name}: what they say of it is too "
            "kind. Name ECGs that it does not know."
        )
    return dataset.folds(left)


def _labels(bundle: Bundle, dataset: Dataset) -> np.ndarray:
    """Return the bundle's statements (n, c) that ECGs carry, whatever their data set calls them."""
    means = same(bundle.labels, dataset.label_set)
    rows = [{means.get(code, "") for code in codes} for codes in dataset.table["codes"]]
    return np.array([[c in row for c in bundle.statements] for row in rows], dtype=np.float32)


def same(ours: LabelSet, theirs: LabelSet) -> dict[str, str]:
    """Return our code of each of their statements that we have: of that name, or the same in SCP.

    Parameters
    ----------
    ours, theirs : label sets
    """
    by_scp = {one.scp: code for code, one in ours.items() if one.scp}
    found = {
        code: code if code in ours else by_scp.get(one.scp, "") for code, one in theirs.items()
    }
    return {code: our for code, our in found.items() if our}
