"""What a network sees in ECGs, whatever computes it: torch, or onnxruntime where there is none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np


class Sight(NamedTuple):
    """What all prototypes see in n ECGs, branch after branch.

    Parameters
    ----------
    similarities, cells : (n, prototypes), cosines and where in time they are the largest
    lead_parts : of each branch that splits by lead, what each lead adds to its similarities:
        (n, prototypes of the branch, 12)
    """

    similarities: np.ndarray
    cells: np.ndarray
    lead_parts: Mapping[str, np.ndarray]
