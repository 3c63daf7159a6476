"""Where projection looks for the window of each training ECG that is most like each prototype.

In this process, or in those of torchrun, by the inputs that they hold; or on Ray, whose processes
read the data set themselves.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from protoecg.network.projection import best_windows
from protoecg.network.protoecgnet import Branch
from protoecg.network.prototypes import Similarities
from training.data.ptbxl import Dataset
from training.engine import Engine
from training.fit.loop import Data
from training.fit.ranks import shared_out

# The best windows of the ECGs in some rows of the training ECGs: (rows, prototypes) each.
Search = Callable[[Branch, Tensor], Similarities]


def in_memory(data: Data) -> Search:
    """Return a search among inputs that are at hand."""

    def search(branch: Branch, rows: Tensor) -> Similarities:
        found = shared_out(lambda part: best_windows(branch, data.rows(part)), rows)
        return Similarities(*found)

    return search


def on_engine(engine: Engine, dataset: Dataset) -> Search:
    """Return a search among a data set's ECGs, wherever an engine looks at them."""

    def search(branch: Branch, rows: Tensor) -> Similarities:
        some = replace(dataset, table=dataset.table.iloc[rows.tolist()].reset_index(drop=True))
        ask = partial(_windows, deepcopy(branch).cpu().eval())
        found = zip(*engine(ask, some, "projection"), strict=True)
        return Similarities(*(torch.cat(part) for part in found))

    return search


def _windows(branch: Branch, x: Tensor) -> Similarities:
    return best_windows(branch, [x])
