"""The QRS complex: its loop, what disease does to it, and how high it stands in the leads."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from protoecg.simulate.person import Person
from protoecg.simulate.shapes import Shape, bump, dipole
from protoecg.simulate.torso import twelve_leads

Range = tuple[float, float]

# Rows: centre and width as a fraction of the QRS duration, vector x, y, z in mV.
_NORMAL = np.array(
    [
        [0.16, 0.070, -0.16, -0.06, -0.17],
        [0.32, 0.085, 0.26, 0.14, -0.40],
        [0.48, 0.095, 1.05, 0.86, 0.26],
        [0.67, 0.090, 0.26, 0.24, 0.80],
        [0.84, 0.065, -0.14, -0.20, 0.20],
    ]
)
_LEFT_ANTERIOR_FASCICLE = np.array(
    [
        [0.16, 0.070, -0.26, 0.34, -0.20],
        [0.34, 0.085, 0.34, 0.10, -0.42],
        [0.52, 0.095, 0.80, -0.72, 0.10],
        [0.70, 0.090, 0.30, -0.52, 0.56],
        [0.85, 0.065, -0.06, -0.16, 0.24],
    ]
)
_LEFT_BUNDLE = np.array(
    [
        [0.15, 0.065, 0.12, 0.08, -0.06],
        [0.33, 0.100, 0.84, 0.42, 1.00],
        [0.52, 0.080, 0.46, 0.16, 1.30],
        [0.70, 0.095, 0.92, 0.26, 1.00],
        [0.88, 0.055, 0.10, 0.02, 0.18],
    ]
)
_PRE_EXCITED = np.array(
    [
        [0.20, 0.100, 0.30, 0.20, -0.22],
        [0.42, 0.080, 0.40, 0.30, -0.36],
        [0.58, 0.085, 1.00, 0.80, 0.10],
        [0.75, 0.080, 0.25, 0.25, 0.45],
        [0.88, 0.050, -0.10, -0.12, 0.15],
    ]
)
_PACED = np.array(
    [
        [0.16, 0.080, 0.30, -0.28, 0.14],
        [0.36, 0.110, 0.66, -0.86, 0.78],
        [0.60, 0.110, 0.54, -0.94, 0.98],
        [0.82, 0.075, 0.16, -0.32, 0.44],
    ]
)
_QRS_S: dict[str, Range] = {
    "CLBBB": (0.132, 0.164),
    "CRBBB": (0.126, 0.152),
    "PACE": (0.150, 0.184),
    "WPW": (0.122, 0.144),
    "LVH": (0.090, 0.110),
    "LAFB": (0.090, 0.112),
    "ASMI": (0.092, 0.112),
    "IMI": (0.094, 0.112),
}


def qrs_duration(codes: Collection[str], rng: np.random.Generator) -> float:
    """Draw how long the complex lasts under the findings `codes`, seconds."""
    wide = _first(codes, ("PACE", "CLBBB", "CRBBB", "WPW", "LAFB", "IMI", "ASMI", "LVH"))
    return rng.uniform(*_QRS_S.get(wide, (0.080, 0.102)))


def qrs_complex(
    codes: Collection[str], duration: float, person: Person, rng: np.random.Generator
) -> np.ndarray:
    """Draw the complex of `person` under the findings `codes`: rows of `Shape`."""
    return _scaled(_qrs(codes, duration, person, rng), codes, person, rng)


def _first(codes: Collection[str], order: tuple[str, ...]) -> str:
    return next((code for code in order if code in codes), "")


def _qrs(
    codes: Collection[str], duration: float, person: Person, rng: np.random.Generator
) -> np.ndarray:
    rows = _pattern(codes, person, rng).copy()
    rows[:, 2:] *= rng.normal(1, 0.08, rows[:, 2:].shape)
    if "ASMI" in codes:
        rows = _anteroseptal_loss(rows, rng)
    if "IMI" in codes:
        rows = _inferior_loss(rows, rng)
    if "LVH" in codes:
        rows[2:4, [2, 4]] *= 1.25
    if "CRBBB" in codes:
        rows = _right_bundle_delay(rows, rng)
    return np.vstack([bump(r[0] * duration, r[1] * duration, r[2:]) for r in rows])


def _pattern(codes: Collection[str], person: Person, rng: np.random.Generator) -> np.ndarray:
    if "PACE" in codes:
        return _PACED
    if "CLBBB" in codes:
        return _turned(_LEFT_BUNDLE, rng.uniform(-35, 45), person)
    if "WPW" in codes:
        return _turned(_PRE_EXCITED, person.axis, person)
    if "LAFB" in codes:
        return _LEFT_ANTERIOR_FASCICLE
    # Both a thick left ventricle and a lost inferior wall turn the axis to the left.
    turn = 35 if set(codes) & {"LVH", "IMI"} else 0
    return _turned(_NORMAL, max(person.axis - turn, -25), person)


def _turned(rows: np.ndarray, axis: float, person: Person) -> np.ndarray:
    """Turn the loop in the frontal plane until its area points to `axis` degrees in the leads."""
    to_leads = np.array([person.leads[0, :2], person.leads[1, :2] - person.leads[0, :2] / 2])
    # aVF is an augmented lead: 2/sqrt(3) makes it as long as lead I.
    to_leads[1] *= 2 / np.sqrt(3)
    aim = np.linalg.solve(to_leads, [np.cos(np.radians(axis)), np.sin(np.radians(axis))])
    area = rows[:, 1] @ rows[:, 2:4]
    angle = np.arctan2(aim[1], aim[0]) - np.arctan2(area[1], area[0])
    cos, sin = np.cos(angle), np.sin(angle)
    turned = rows.copy()
    turned[:, 2:4] = rows[:, 2:4] @ np.array([[cos, sin], [-sin, cos]])
    return turned


def _anteroseptal_loss(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    lost = rows.copy()
    depth = rng.uniform(0.9, 1.2)
    lost[0, 2:] = [0.02, 0.05, 0.22 * depth]
    lost[1, 2:] = [0.16, 0.10, 0.52 * depth]
    lost[2, 4] = 0.62 * depth
    return lost


def _inferior_loss(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    lost = rows.copy()
    depth = rng.uniform(0.9, 1.3)
    lost[0, :2] = 0.19, 0.085
    lost[0, 2:] = [-0.04, -0.46 * depth, -0.22]
    lost[1, 3] = -0.34 * depth
    lost[2, 3] = max(lost[2, 3], 0.35)
    return lost


def _right_bundle_delay(rows: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    early = rows.copy()
    early[:, :2] *= 0.62
    early[3:, 2:] *= 0.5
    late = rng.uniform(0.85, 1.25) * np.array(
        [[0.66, 0.085, -0.42, 0.02, -0.48], [0.82, 0.075, -0.34, 0.02, -0.40]]
    )
    late[:, :2] = [[0.66, 0.085], [0.82, 0.075]]
    return np.vstack([early, late])


def _scaled(
    qrs: np.ndarray, codes: Collection[str], person: Person, rng: np.random.Generator
) -> np.ndarray:
    """Scale the complex to the voltages that the findings, or their absence, ask for."""
    limb, chest, sokolow = voltages(qrs, person)
    if "LVOLT" in codes:
        gain = min(rng.uniform(0.28, 0.44) / limb, 1.6 / chest)
    elif "LVH" in codes:
        gain = rng.uniform(3.75, 4.6) / sokolow
    elif set(codes) & {"CLBBB", "PACE"}:
        gain = rng.uniform(0.6, 1.05)
    else:
        gain = min(max(person.voltage / sokolow, 0.75 / limb), 3.2 / sokolow, 3.8 / chest)
    scaled = qrs.copy()
    scaled[:, 4:] *= gain
    return scaled


def voltages(qrs: np.ndarray, person: Person) -> tuple[float, float, float]:
    """Return peak-to-peak of limb leads and of chest leads, and Sokolow-Lyon's index, mV."""
    times = np.arange(-0.02, 0.22, 0.002)
    leads = twelve_leads(person.leads @ dipole([(0.0, Shape(qrs))], times))
    range_ = np.ptp(leads, axis=1)
    return range_[:6].max(), range_[6:].max(), max(leads[10:].max(), 0) - leads[6].min()
