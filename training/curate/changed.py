"""Faithfulness of what a curation changed: each newcomer beside the prototype that it replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from protoecg.network.protoecgnet import ProtoECGNet
from protoecg.prototypes.prototype import Prototype
from protoecg.prototypes.waveforms import Waveforms
from protoecg.signals import model_input
from training.curate.swaps import Swap
from training.measure.faithfulness.prototypes import EXACT, SAME_WINDOW_S


def changes(
    network: ProtoECGNet,
    prototypes: Sequence[Prototype],
    decided: Sequence[Swap],
    waveforms: Waveforms,
    purity: Mapping[str, tuple[float | None, float | None]],
) -> list[dict[str, Any]]:
    """Return what holds of each prototype that was changed.

    Parameters
    ----------
    prototypes : of the network, in the order of its similarities
    purity : by name of a retired prototype, what `comparison.purity_of_each` returns for it and for
        the one in its place; empty where nothing was measured

    Returns
    -------
    retired, new : names; new is None where nothing took the place, and then the rest is missing
    exact : whether the network finds the newcomer in its own ECG, as alike as can be
    same_window : whether in the very window that is shown as the newcomer's
    speaks : whether it has a weight for its statement
    purity_before, purity_after : of its ten most similar validation ECGs, how many carry the
        statement; None where that was not measured
    """
    places = {prototype.name: place for place, prototype in enumerate(prototypes)}
    found = []
    for swap in decided:
        before, after = purity.get(swap.retired.name, (None, None))
        one: dict[str, Any] = {"retired": swap.retired.name, "purity_before": before, "new": None}
        if swap.new is not None:
            place = places[swap.new.name]
            one |= {"new": swap.new.name, "purity_after": after}
            one |= _of_its_ecg(network, swap.new, place, waveforms)
        found.append(one)
    return found


@torch.inference_mode()
def _of_its_ecg(
    network: ProtoECGNet, new: Prototype, place: int, waveforms: Waveforms
) -> dict[str, Any]:
    branch = network.branches[new.branch]
    x = torch.from_numpy(model_input(waveforms.load(new))[None])
    similarities, cells = branch(x)
    column = place - network.columns(new.branch).start
    window_s = branch.window_s(int(cells[0, column]))
    statement = network.statements.index(new.statement)
    return {
        "exact": float(similarities[0, column]) >= EXACT,
        "same_window": bool(np.abs(np.subtract(window_s, new.window_s)).max() < SAME_WINDOW_S),
        "speaks": float(network.fusion.weight[statement, place]) > 0,
    }
