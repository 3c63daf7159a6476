"""Labels that may be wrong: those that other patients' ECGs do not bear out.

Each ECG is judged by a fusion that was fitted on the ECGs of other patients. The network below it
has seen all training labels, and may have learnt some wrong ones by heart: what is ranked first is
worth a look, what is missing is not proven right.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.special import expit
from torch import Tensor
from tqdm import tqdm

from protoecg.bundle import Bundle
from protoecg.network.protoecgnet import ProtoECGNet
from training.data import ptbxl
from training.data.dataset import folds_of
from training.fit.fuse import likeness, owned_by

PARTS = 2
SHARE = 0.1
LABELLED, NOT_LABELLED = "labelled, not borne out", "borne out, not labelled"


def cross_fitted(network: ProtoECGNet, seen: Tensor, y: Tensor, patients: np.ndarray) -> np.ndarray:
    """Logits (n, c) of each ECG by a fusion that knows other patients only.

    Parameters
    ----------
    seen : (n, p) similarities
    y : (n, c) labels
    patients : (n,) patient of each ECG
    """
    _, patient = np.unique(patients, return_inverse=True)
    part = torch.from_numpy(np.random.default_rng(0).permutation(patient.max() + 1)[patient])
    logits = np.empty(y.shape, dtype=np.float32)
    for number in range(PARTS):
        own = part % PARTS == number
        weight, bias = likeness(seen[~own], y[~own], owned_by(network), SHARE)
        logits[own.numpy()] = (seen[own] @ weight.T + bias).numpy()
    return logits


def suspects(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Whether a label is less likely than on an ECG drawn at random: (n, c) bool."""
    return (labels > 0) & (expit(logits) < labels.mean(axis=0))


@torch.inference_mode()
def audit(bundle: Bundle, root: Path, progress: Callable = tqdm) -> pd.DataFrame:
    """Rank the labels of a bundle's training ECGs by how far they are from what is borne out.

    Returns
    -------
    one row a label, the most doubtful first: `rank`, `record`, `patient`, `fold`, `statement`,
    `doubt` (`LABELLED` or `NOT_LABELLED`), `probability` (by other patients' ECGs), `likelihood`
    (of the data set, percent), `validated`, `statements` and `report` of the ECG; and `prototype`,
    the bundle's that stands for the statement by this ECG

    Raises
    ------
    DataError
        If the data set is not the one that the bundle was trained on.
    """
    dataset = ptbxl.load(root)
    folds = folds_of(bundle.about, dataset, "train_folds")
    if not folds:
        raise ptbxl.DataError(
            f"{bundle.path} was not trained on {dataset.name} but on {bundle.about['data']}; name "
            "the data set that it was trained on."
        )
    dataset = dataset.folds(sorted(folds))
    batches = ptbxl.batches(dataset, "audit")
    seen = torch.cat([bundle.network(x).similarities for x in batches])
    y = torch.from_numpy(dataset.labels(bundle.statements))
    logits = cross_fitted(bundle.network, seen, y, dataset.table["patient"].to_numpy())
    return _table(bundle, dataset, logits, y.numpy() > 0)


def _table(
    bundle: Bundle, dataset: ptbxl.Dataset, logits: np.ndarray, labelled: np.ndarray
) -> pd.DataFrame:
    surprise = np.where(labelled, -logits, logits)
    doubtful = np.argwhere(surprise > 0)
    doubtful = doubtful[np.argsort(-surprise[tuple(doubtful.T)], kind="stable")]
    rows, columns = doubtful.T
    ecgs = dataset.table.iloc[rows].reset_index(drop=True)
    codes = [bundle.statements[column] for column in columns]
    names = {(p.record, p.statement): p.name for p in bundle.prototypes}
    return pd.DataFrame(
        {
            "rank": np.arange(1, len(ecgs) + 1),
            **{name: ecgs[name] for name in ("record", "patient", "fold")},
            "statement": codes,
            "doubt": np.where(labelled[rows, columns], LABELLED, NOT_LABELLED),
            "probability": expit(logits[rows, columns]).round(4),
            "likelihood": [of.get(c) for of, c in zip(ecgs["likelihoods"], codes, strict=True)],
            "validated": ecgs["validated"],
            "statements": ecgs["codes"].map(" ".join),
            "report": ecgs["report"],
            "prototype": [names.get(key, "") for key in zip(ecgs["record"], codes, strict=True)],
        }
    )
