"""What a bundle is worth on a fold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from protoecg.bundle import Bundle
from protoecg.network.protoecgnet import ProtoECGNet
from protoecg.signals import model_input
from training import ptbxl
from training.fuse import parts
from training.metrics import auroc

BATCH = 64


@torch.inference_mode()
def evaluate(bundle: Bundle, root: Path, fold: int) -> dict[str, Any]:
    """Measure a bundle on one fold of a data set.

    Returns
    -------
    n, macro_auroc, per_branch (each branch alone, on its own statements), per_statement
    """
    data = ptbxl.load(root).folds([fold])
    labels = data.labels(bundle.statements)
    seen, inputs = [], []
    for record in tqdm(data.table["record"], desc=f"fold {fold}", unit="ECG", mininterval=2):
        inputs.append(model_input(ptbxl.read_record(root, record)))
        if len(inputs) == BATCH:
            seen.append(_similarities(bundle.network, inputs))
            inputs = []
    if inputs:
        seen.append(_similarities(bundle.network, inputs))
    return {"bundle": bundle.name, "fold": fold, **figures(bundle.network, torch.cat(seen), labels)}


def _similarities(network: ProtoECGNet, inputs: list[np.ndarray]) -> Tensor:
    return network(torch.from_numpy(np.stack(inputs))).similarities


@torch.no_grad()
def figures(network: ProtoECGNet, seen: Tensor, labels: np.ndarray) -> dict[str, Any]:
    """Return the figures of `evaluate` from (n, p) similarities and (n, c) labels."""
    fusion = network.fusion.cpu()
    fused = auroc(labels, (seen @ fusion.weight.T + fusion.bias).numpy())
    return {
        "n": len(labels),
        "macro_auroc": float(np.nanmean(fused)),
        "per_branch": {
            name: _branch(network, name, seen[:, columns], labels[:, statements])
            for name, columns, statements in parts(network)
        },
        "per_statement": {
            code: {"auroc": _number(value), "positives": int(count)}
            for code, value, count in zip(
                network.statements, fused, labels.sum(axis=0), strict=True
            )
        },
    }


def _branch(
    network: ProtoECGNet, name: str, seen: Tensor, labels: np.ndarray
) -> dict[str, float | int]:
    solo = network.solo[name].cpu()
    values = auroc(labels, (seen @ solo.weight.T + solo.bias).numpy())
    return {"macro_auroc": float(np.nanmean(values)), "statements": int(np.sum(~np.isnan(values)))}


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
