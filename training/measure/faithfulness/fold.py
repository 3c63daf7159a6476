"""A fold as a bundle sees it: what all measures start from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from tqdm import tqdm

from protoecg.bundle import Bundle
from protoecg.ecg import ECG
from protoecg.measure import delineate, quantities
from protoecg.network.protoecgnet import Branch, Output
from protoecg.signals import MODEL_SAMPLES, model_input
from training.data import ptbxl

# First sample and end, within the model input.
Window = tuple[int, int]
Numbers = dict[str, Any]
# A measure's numbers for each branch.
Results = dict[str, Numbers]

WHOLE_STRIP: Numbers = {"shown": "whole strip"}
BATCH = 64


class TopMatch(NamedTuple):
    """The strongest match of a finding: rows and columns within the fold, see `Fold`."""

    row: int
    statement: int
    prototype: int


@dataclass(frozen=True, eq=False)
class Fold:
    """The ECGs of a fold, and what the network says about each.

    Parameters
    ----------
    root, fast : folders of the data set, and of its ECGs at 500 Hz
    table : one row an ECG, see `ptbxl.Dataset`
    ecgs : as read
    x : (n, 12, 1000), model inputs
    seen : the bundle's output for the ECGs, measurements included
    offset : (n, c) logits of `seen` that the measurements add
    labels : (n, c) bool, in the order of the bundle's statements
    """

    bundle: Bundle
    root: Path
    fast: Path
    table: pd.DataFrame
    ecgs: Sequence[ECG]
    x: Tensor
    seen: Output
    offset: Tensor
    labels: np.ndarray

    def top_matches(self, branch: str, most: int) -> list[TopMatch]:
        """Draw at most `most` of the findings whose strongest match is of a branch."""
        own = self.bundle.network.columns(branch)
        found = [m for m in top_matches(self.bundle, self.seen) if m.prototype in own]
        return sample(found, most)


def read_fold(bundle: Bundle, root: Path, fold: int, fast: Path) -> Fold:
    """Read a fold of a data set in PTB-XL's layout and show it to the network."""
    data = ptbxl.load(root).folds([fold])
    records = tqdm(data.table["record"], desc=f"fold {fold}", unit="ECG", mininterval=2)
    ecgs = [ptbxl.read_record(root, record) for record in records]
    x, offset = as_input(ecgs), measured_logits(bundle, ecgs)
    labels = data.labels(bundle.statements) > 0
    return Fold(
        bundle, root, fast, data.table, ecgs, x, run_network(bundle, x, offset), offset, labels
    )


def as_input(ecgs: Iterable[ECG]) -> Tensor:
    """Return the model inputs of ECGs: (n, 12, 1000)."""
    return torch.from_numpy(np.stack([model_input(ecg) for ecg in ecgs]))


def run_network(bundle: Bundle, x: Tensor, offset: Tensor) -> Output:
    """Run the network on (n, 12, 1000) inputs, and add what measurements add: (n, c) logits."""
    output = Output(*_in_batches(bundle.network, x))
    return output._replace(logits=output.logits + offset)


def run_bundle(bundle: Bundle, ecgs: Iterable[ECG]) -> Output:
    """Run a bundle on ECGs: its network on their inputs, and what their measurements add."""
    ecgs = list(ecgs)
    return run_network(bundle, as_input(ecgs), measured_logits(bundle, ecgs))


def measured_logits(bundle: Bundle, ecgs: Sequence[ECG]) -> Tensor:
    """Return what the measurements of ECGs add to each statement: (n, c) logits."""
    if bundle.measured is None:
        return torch.zeros(len(ecgs), len(bundle.statements))
    bar = tqdm(ecgs, desc="measuring", unit="ECG", mininterval=2)
    values = np.array([list(quantities(delineate(ecg)).values()) for ecg in bar])
    return torch.from_numpy(bundle.measured.offsets(values, bundle.statements)).float()


def compare(branch: Branch, x: Tensor, prototypes: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Return similarity and cell, as the branch reports them, of each input to one prototype.

    Parameters
    ----------
    x : (n, 12, 1000)
    prototypes : (n,), columns within the branch
    """
    values, cells = _in_batches(branch, x)
    rows = torch.arange(len(x))
    return values[rows, list(prototypes)], cells[rows, list(prototypes)]


@torch.inference_mode()
def _in_batches(module: Callable[[Tensor], tuple[Tensor, ...]], x: Tensor) -> list[Tensor]:
    return [torch.cat(part) for part in zip(*(module(b) for b in x.split(BATCH)), strict=True)]


def probabilities(output: Output) -> np.ndarray:
    """Return the (n, c) calibrated probabilities of all statements."""
    return torch.sigmoid(output.logits).numpy()


def called(bundle: Bundle, output: Output) -> np.ndarray:
    """Whether each statement reaches its threshold: (n, c)."""
    thresholds = [bundle.decisions[code].threshold for code in bundle.statements]
    return probabilities(output) >= np.array(thresholds)


def contributions(bundle: Bundle, output: Output, rows: np.ndarray, statement: int) -> np.ndarray:
    """Return what each prototype adds to a statement's logit in some ECGs: (len(rows), p)."""
    return (output.similarities[rows] * bundle.network.fusion.weight[statement]).numpy()


def top_matches(bundle: Bundle, output: Output) -> list[TopMatch]:
    """Return the match that contributes most to each statement called present.

    A finding that no match speaks for has none.
    """
    present, found = called(bundle, output), []
    for statement in np.flatnonzero(present.any(axis=0)).tolist():
        rows = np.flatnonzero(present[:, statement])
        parts = contributions(bundle, output, rows, statement)
        best = parts.argmax(axis=1)
        speaks = parts[np.arange(len(rows)), best] > 0
        found += [
            TopMatch(int(row), statement, int(p))
            for row, p in zip(rows[speaks], best[speaks], strict=True)
        ]
    return found


def shown_window(branch: Branch, cell: int) -> Window:
    """First sample and end of the window that is shown for a cell, within the strip."""
    start, end = branch.window_samples(int(cell))
    return max(start, 0), min(end, MODEL_SAMPLES)


def shows_whole_strip(branch: Branch) -> bool:
    """Whether a match of the branch is shown as the whole strip."""
    return shown_window(branch, 0) == (0, MODEL_SAMPLES)


def sample(items: Sequence[Any], most: int) -> list[Any]:
    """Draw at most `most` items, always the same ones, in their order."""
    if len(items) <= most:
        return list(items)
    rng = np.random.default_rng(0)
    return [items[i] for i in sorted(rng.choice(len(items), most, replace=False))]
