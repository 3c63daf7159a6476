"""Whether an ECG is one of the kind that a model was validated on.

Similarities cannot tell: a cosine knows no scale, and noise, swapped electrodes or a flat lead find
prototypes as similar as a clean ECG does (the figures are in `docs/experiments.md`). The slopes of
the leads tell, from one sample to the next of the model input: they are a lead's strength, its
QRS complexes, and how it goes together with the other leads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from protoecg.ecg import LEADS

# In mV from one sample to the next: less than this is a lead without signal.
SILENT = 0.003
PAIRS = np.triu_indices(len(LEADS), k=1)
SIZES = {"strength": len(LEADS), "agreement": len(PAIRS[0]), "direction": len(LEADS), "bursts": 1}
WORDS = {
    "strength": "how strong its leads are (check gain, unit and leads without signal)",
    "agreement": "how its leads go together (check for swapped, missing or noisy electrodes)",
    "direction": "the direction in which its leads deflect (check for leads that are upside down)",
    "bursts": "how far QRS complexes stand out (check for noise)",
}


@dataclass(frozen=True, eq=False)
class Usual:
    """A trait of the validation ECGs, and how far from their mean it may be.

    `whitening` (d, d) turns deviations from `mean` (d,) into numbers of mean square one.
    """

    mean: np.ndarray
    whitening: np.ndarray
    limit: float

    def distance(self, values: np.ndarray) -> np.ndarray:
        """Mahalanobis distance of traits (n, d) from the mean, per dimension: (n,)."""
        return np.sqrt(np.mean(((values - self.mean) @ self.whitening) ** 2, axis=1))


@dataclass(frozen=True, eq=False)
class Familiarity:
    """What is usual of each of the traits in `SIZES`.

    Raises
    ------
    ValueError
        If a trait is missing or its numbers cannot be right.
    """

    usual: Mapping[str, Usual]

    def __post_init__(self) -> None:
        if set(self.usual) != set(SIZES):
            raise ValueError(f"found the traits {sorted(self.usual)}, expected {sorted(SIZES)}")
        for name, usual in self.usual.items():
            size = SIZES[name]
            if usual.mean.shape != (size,) or usual.whitening.shape != (size, size):
                raise ValueError(f"the trait {name} has not {size} numbers")
            numbers = [*usual.mean, *usual.whitening.flat, usual.limit]
            if not np.all(np.isfinite(numbers)) or usual.limit <= 0:
                raise ValueError(f"the trait {name} has numbers that cannot be")

    def strange(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Whether each trait of the model inputs (n, 12, 1000) is beyond its limit: (n,) each."""
        return {
            name: self.usual[name].distance(values) > self.usual[name].limit
            for name, values in traits(x).items()
        }

    def abstains(self, x: np.ndarray) -> str | None:
        """Why the model should not judge a model input (12, 1000); None where it may."""
        reasons = [WORDS[name] for name, strange in self.strange(x[None]).items() if strange[0]]
        if not reasons:
            return None
        return (
            "The model abstains: this recording is unlike the ECGs that it was validated on, in "
            f"{' and in '.join(reasons)}."
        )


def traits(x: np.ndarray) -> dict[str, np.ndarray]:
    """Return the traits of the model inputs (n, 12, 1000) mV: (n, d) each, d as in `SIZES`.

    strength : log of the root mean square slope of each lead
    agreement : correlation of the slopes of each pair of leads
    direction : cube root of the skewness of each lead's slopes
    bursts : log kurtosis of the slopes, mean over the leads: high where QRS complexes stand out
    """
    slopes = np.diff(x.astype(np.float64), axis=2)
    samples = slopes.shape[2]
    products = slopes @ slopes.transpose(0, 2, 1) / samples
    rms = np.sqrt(np.einsum("nii->ni", products) + SILENT**2)
    unit = slopes / rms[:, :, None]
    # Products, as powers of three and four take NumPy ten times as long.
    squares = unit * unit
    return {
        "strength": np.log(rms),
        "agreement": (unit @ unit.transpose(0, 2, 1) / samples)[:, *PAIRS],
        "direction": np.cbrt((squares * unit).mean(axis=2)),
        "bursts": np.log((squares * squares).mean(axis=2) + 0.1).mean(axis=1, keepdims=True),
    }
