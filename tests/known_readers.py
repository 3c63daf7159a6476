"""Readers of known effect: half of them are helped by the model's prototypes, one is harmed."""

import numpy as np

# The share of cases that each is right about, alone and with the prototypes.
READERS = {
    "helped1": (0.5, 0.9),
    "helped2": (0.6, 0.9),
    "helped3": (0.4, 0.8),
    "same1": (0.7, 0.7),
    "same2": (0.6, 0.6),
    "harmed": (0.8, 0.5),
}
EFFECT = float(np.mean([beside - alone for alone, beside in READERS.values()]))
