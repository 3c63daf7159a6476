"""The waves of a beat: where they lie, which way they point, what disease does to them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from protoecg.simulate.person import Person
from protoecg.simulate.qrs import qrs_complex, qrs_duration
from protoecg.simulate.shapes import Shape, bump, skewed

# Where premature ventricular beats arise: outflow tract, right apex, left ventricle.
_ECTOPIC = {
    "outflow tract": ((0.25, 1.05, 0.60), (0.35, 1.30, 0.75), (0.10, 0.60, 0.45)),
    "right apex": ((0.60, -0.50, 0.40), (0.95, -0.95, 0.85), (0.45, -0.45, 0.60)),
    "left ventricle": ((-0.30, 0.50, -0.85), (-0.85, 0.65, -1.00), (-0.75, 0.20, -0.45)),
}


@dataclass(frozen=True, eq=False)
class Heart:
    """The shapes that one ECG's beats are made of, and the intervals between them, seconds.

    `pr` is from the onset of the P wave to that of the QRS complex, `qt` from there to the end
    of the T wave, `rr` the mean interval of the rhythm.
    """

    rr: float
    pr: float
    qt: float
    p: Shape
    early_p: Shape
    complex: Shape
    ectopic: Shape


def heart(codes: Collection[str], rr: float, person: Person, rng: np.random.Generator) -> Heart:
    """Draw the heart of `person` under the findings `codes`, beating every `rr` seconds."""
    duration = qrs_duration(codes, rng)
    qt = _qt(codes, rr, duration, person, rng)
    qrs = qrs_complex(codes, duration, person, rng)
    return Heart(
        rr=rr,
        pr=_pr(codes, rng),
        qt=qt,
        p=_atrial(rng.uniform(0.085, 0.110), rng.uniform(0.7, 1.3) * np.array([0.6, 1.0, -0.1])),
        early_p=_atrial(rng.uniform(0.07, 0.09), rng.uniform(0.8, 1.4) * _ectopic_focus(rng)),
        complex=Shape(qrs, (("QRS", 0.0, duration),))
        + _repolarisation(codes, qrs, duration, qt, person, rng),
        ectopic=_ventricular_ectopic(qt, rng),
    )


def _pr(codes: Collection[str], rng: np.random.Generator) -> float:
    if "1AVB" in codes:
        return rng.uniform(0.225, 0.32)
    if "WPW" in codes:
        return rng.uniform(0.09, 0.112)
    return rng.uniform(0.13, 0.16) if "STACH" in codes else rng.uniform(0.13, 0.188)


def _qt(
    codes: Collection[str], rr: float, qrs: float, person: Person, rng: np.random.Generator
) -> float:
    corrected = rng.normal(0.405 if person.sex == "male" else 0.415, 0.013)
    corrected = np.clip(corrected, 0.375, 0.438) + max(qrs - 0.110, 0)
    if "LNGQT" in codes:
        corrected = rng.uniform(0.495, 0.565)
    # Fridericia's formula; beyond a second the tracing of a slow rhythm would look too long.
    return corrected * min(rr, 1.3) ** (1 / 3)


def _atrial(duration: float, vector: np.ndarray) -> Shape:
    right = bump(0.38 * duration, 0.15 * duration, 0.085 * vector + [0, 0.02, -0.03])
    left = bump(0.64 * duration, 0.16 * duration, 0.075 * vector + [0.015, 0, 0.03])
    return Shape(np.vstack([right, left]), (("P", 0.0, duration),))


def _ectopic_focus(rng: np.random.Generator) -> np.ndarray:
    low, left = np.array([0.25, -0.9, 0.3]), np.array([-0.5, 0.7, -0.9])
    return low if rng.uniform() < 0.6 else left


def _repolarisation(
    codes: Collection[str],
    qrs: np.ndarray,
    duration: float,
    qt: float,
    person: Person,
    rng: np.random.Generator,
) -> Shape:
    st, t = _st_and_t(codes, qrs, person, rng)
    stretch = qt / 0.40
    rise, fall = rng.uniform(0.050, 0.062) * stretch, rng.uniform(0.032, 0.040) * stretch
    peak = qt - 2.2 * fall
    t_onset = max(peak - 2.3 * rise, duration + 0.03)
    plateau = skewed(duration, t_onset, 0.012, (peak - t_onset) / 2, st)
    wave = skewed(peak, peak, rise, fall, t)
    spans = (("ST", duration, t_onset), ("T", t_onset, qt))
    return Shape(np.vstack([plateau, wave]), spans)


def _st_and_t(
    codes: Collection[str], qrs: np.ndarray, person: Person, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the vectors of the ST segment and of the T wave, mV."""
    size = rng.uniform(0.8, 1.25)
    main = qrs[:, 4:].sum(axis=0)
    if set(codes) & {"CLBBB", "PACE", "WPW"}:
        # Opposite to the complex, as repolarisation follows abnormal activation.
        weight = 0.5 if "WPW" in codes else 1.0
        t = -0.20 * size * main * weight + (1 - weight) * np.array([0.2, 0.2, -0.1])
        return 0.3 * weight * t, t
    t = size * np.array([0.30, 0.24, -0.12])
    t[:2] = 0.6 * t[:2] + 0.4 * np.hypot(*t[:2]) * main[:2] / max(np.hypot(*main[:2]), 0.1)
    st = rng.normal(0, 0.008, 3)
    if "LVOLT" in codes:
        t *= 0.45
    if "CRBBB" in codes:
        t = size * np.array([0.30, 0.20, 0.14])
    if "LVH" in codes:
        st, t = _strain(st, t, rng)
    if "ASMI" in codes:
        st, t = _anterior_injury(rng)
    if "IMI" in codes:
        st, t = _inferior_injury(rng)
    if "STD_" in codes:
        size = rng.uniform(0.8, 1.5)
        st, t = size * np.array([-0.13, -0.08, 0.05]), np.array([0.12, 0.10, -0.06])
    if "INVT" in codes:
        t = rng.uniform(0.8, 1.3) * _inverted(rng)
    return st, t


def _strain(
    st: np.ndarray, t: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    if rng.uniform() < 0.4:
        return st, t
    size = rng.uniform(0.7, 1.3)
    return size * np.array([-0.10, -0.03, -0.06]), size * np.array([-0.26, -0.06, -0.22])


def _anterior_injury(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    size = rng.uniform(0.7, 1.3)
    if rng.uniform() < 0.5:
        return size * np.array([0.04, 0.0, -0.13]), size * np.array([0.22, 0.16, -0.28])
    return size * np.array([0.02, 0.0, -0.04]), size * np.array([-0.04, 0.14, 0.26])


def _inferior_injury(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    size = rng.uniform(0.7, 1.3)
    if rng.uniform() < 0.4:
        return size * np.array([0.02, 0.14, 0.02]), size * np.array([0.20, 0.30, -0.04])
    return size * np.array([0.0, 0.03, 0.01]), size * np.array([0.24, -0.24, -0.14])


def _inverted(rng: np.random.Generator) -> np.ndarray:
    territories = [(-0.30, 0.02, -0.02), (0.14, -0.28, -0.10), (-0.06, 0.10, 0.34)]
    return np.array(territories[rng.integers(3)])


def _ventricular_ectopic(qt: float, rng: np.random.Generator) -> Shape:
    duration = rng.uniform(0.142, 0.172)
    size = rng.uniform(0.85, 1.3)
    vectors = size * np.array(_ECTOPIC[str(rng.choice(list(_ECTOPIC)))])
    places = np.array([[0.24, 0.11], [0.50, 0.125], [0.76, 0.10]]) * duration
    qrs = [bump(at, width, v) for (at, width), v in zip(places, vectors, strict=True)]
    t = -0.36 * vectors.mean(axis=0)
    end = max(qt + 0.03, duration + 0.20)
    fall, rise = 0.045, 0.062
    peak = end - 2.2 * fall
    onset = max(peak - 2.3 * rise, duration)
    wave = skewed(peak, peak, rise, fall, t)
    st = skewed(duration, peak - rise, 0.02, rise, 0.35 * t)
    spans = (("PVC", 0.0, end), ("QRS", 0.0, duration), ("T", onset, end))
    return Shape(np.vstack([*qrs, st, wave]), spans)
