"""What is usual of an ECG, learnt from validation ECGs: when a model should not judge."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata

from protoecg.familiarity import SIZES, Familiarity, Usual, traits
from training.data.dataset import DataError

ORDINARY = 0.01
PARTS = 5
SHRINKAGE = 0.01
BATCH = 64


def fit(x: np.ndarray, patients: np.ndarray) -> Familiarity:
    """Learn what is usual, so that about one in a hundred ordinary ECGs is abstained from.

    The limits are set on distances of ECGs that had no part in the mean and covariance that they
    are measured by (the patients are split into `PARTS`), and are equally strict for each trait.

    Parameters
    ----------
    x : (n, 12, 1000) model inputs of validation ECGs
    patients : (n,) patient of each

    Raises
    ------
    DataError
        If they are all of one patient.
    """
    return fit_traits(traits_of(x), patients)


def traits_of(x: np.ndarray) -> dict[str, np.ndarray]:
    """Return the traits (n, d) of model inputs (n, 12, 1000), by name."""
    parts = [traits(x[i : i + BATCH]) for i in range(0, len(x), BATCH)]
    return {name: np.concatenate([part[name] for part in parts]) for name in SIZES}


def fit_traits(seen: dict[str, np.ndarray], patients: np.ndarray) -> Familiarity:
    """Learn what is usual of traits (n, d), as `fit` does."""
    distances = np.stack([_of_others(values, patients) for values in seen.values()], axis=1)
    most_unusual = (rankdata(distances, axis=0) / len(distances)).max(axis=1)
    limits = np.quantile(distances, np.quantile(most_unusual, 1 - ORDINARY), axis=0)
    return Familiarity(
        {
            name: Usual(*_spread(values), float(limit))
            for (name, values), limit in zip(seen.items(), limits, strict=True)
        }
    )


def _of_others(values: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """Distance of each ECG from what is usual of other patients' ECGs: (n,)."""
    if len(np.unique(patients)) < 2:
        raise DataError(
            "All validation ECGs are of one patient: what is usual cannot be learnt from them. "
            "Validate on more ECGs."
        )
    part = np.unique(patients, return_inverse=True)[1] % PARTS
    distances = np.empty(len(values))
    for number in range(PARTS):
        mine = part == number
        distances[mine] = Usual(*_spread(values[~mine]), 1.0).distance(values[mine])
    return distances


def _spread(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean (d,) and whitening (d, d) of traits; correlations are shrunk a little towards zero."""
    mean, scale = values.mean(axis=0), values.std(axis=0) + 1e-9
    z = (values - mean) / scale
    shrunk = (1 - SHRINKAGE) * z.T @ z / len(z) + SHRINKAGE * np.eye(z.shape[1])
    return mean, np.linalg.cholesky(np.linalg.inv(shrunk)) / scale[:, None]
