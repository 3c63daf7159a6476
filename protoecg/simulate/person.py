"""Whose ECG it is: what stays the same from one ECG of a person to the next."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from protoecg.simulate.torso import DOWER


@dataclass(frozen=True, eq=False)
class Person:
    """One simulated person.

    Parameters
    ----------
    age, sex : in years; "female" or "male"
    axis : of the QRS complex in the frontal plane, degrees
    voltage : Sokolow-Lyon index of the unhypertrophied heart, mV
    leads : (8, 3), from the dipole to I, II, V1 to V6 in this chest
    """

    age: int
    sex: str
    axis: float
    voltage: float
    leads: np.ndarray

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Person:
        """Draw someone whom a hospital would record an ECG of."""
        age = int(np.clip(rng.normal(60, 17), 18, 95))
        sex = str(rng.choice(["female", "male"]))
        axis = np.clip(rng.normal(62 - 0.5 * (age - 40), 20), -20, 88)
        voltage = np.clip(rng.normal(2.2 if sex == "male" else 1.9, 0.5), 1.1, 3.1)
        # Electrodes sit a little differently on everyone.
        leads = DOWER * rng.normal(1, 0.13, (8, 1)).clip(0.7, 1.3) + rng.normal(0, 0.04, (8, 3))
        return cls(age, sex, float(axis), float(voltage), leads)
