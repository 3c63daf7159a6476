"""A bundle's networks as one ONNX graph beside it, which sees what they see.

network.onnx   (n, 12, 1000) mV at 100 Hz to similarities, cells, logits without measurements, and
               each lead's part of the similarities of a branch that splits by lead
onnx.json      the bundle's revision, the graph's checksum, and the window that each cell shows

Both are made after the bundle and change nothing in it; see `protoecg.network.onnx_network`.
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from protoecg.network.onnx_network import GRAPH, HEAD, INDEX, OnnxNetwork
from protoecg.network.protoecgnet import Branch, ProtoECGNet
from protoecg.signals import MODEL_SAMPLES
from protoecg.storage.files import checksum, write_bytes

OPSET = 18
# Of similarities, by which the graph may differ from the networks.
CLOSE = 1e-4


class ExportError(ValueError):
    """An export that failed, or that does not see what the networks see."""


class _Seeing(nn.Module):
    """The whole model with what an explanation needs of it besides the logits."""

    def __init__(self, network: ProtoECGNet) -> None:
        super().__init__()
        # By number: the exporter writes Python, where "global" is no name.
        self.branches, self.fusion = nn.ModuleList(network.branches.values()), network.fusion

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        branches = [cast("Branch", branch) for branch in self.branches]
        seen = [branch.similarities(x) for branch in branches]
        similarities = torch.cat([s.values for s in seen], dim=1)
        parts = [
            branch.lead_parts(x, own.cells)
            for branch, own in zip(branches, seen, strict=True)
            if branch.splits_by_lead
        ]
        cells = torch.cat([s.cells for s in seen], dim=1)
        return (similarities, cells, self.fusion(similarities), *parts)


def export(network: ProtoECGNet, folder: Path, revision: str, ecgs: np.ndarray) -> float:
    """Write the graph of a bundle's networks beside it, and compare the two.

    Parameters
    ----------
    folder, revision : of the bundle
    ecgs : (n, 12, 1000) to compare them on

    Returns
    -------
    the largest difference of a similarity

    Raises
    ------
    ExportError
        If the packages for it are not installed, or the graph sees otherwise; nothing stays then.
    """
    _refuse_without_packages()
    (folder / HEAD).unlink(missing_ok=True)
    split = [name for name, branch in network.branches.items() if branch.splits_by_lead]
    write_bytes(folder / GRAPH, _graph(network, split))
    INDEX.write(
        folder / HEAD,
        revision=revision,
        sha256=checksum(folder / GRAPH),
        windows={name: _windows(branch) for name, branch in network.branches.items()},
        split_by_lead=tuple(split),
    )
    return _compared(network, folder, revision, ecgs)


def _refuse_without_packages() -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ExportError(
            f"{error.name} is not installed: `pip install onnx onnxruntime onnxscript`."
        ) from error


def _graph(network: ProtoECGNet, split: list[str]) -> bytes:
    names = ["similarities", "cells", "logits", *(f"lead_parts_{name}" for name in split)]
    with warnings.catch_warnings():
        # Of the exporter, on itself and on packages that nothing here needs.
        warnings.simplefilter("ignore")
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)
        program = torch.onnx.export(
            _Seeing(network).eval(),
            (torch.zeros(2, 12, MODEL_SAMPLES),),
            input_names=["ecg"],
            output_names=names,
            dynamic_shapes={"x": {0: torch.export.Dim("ecgs")}},
            opset_version=OPSET,
            verbose=False,
        )
    return program.model_proto.SerializeToString() if program else b""


def _windows(branch: Branch) -> tuple[tuple[float, float], ...]:
    """Return what is shown of each cell, in seconds."""
    with torch.inference_mode():
        cells = branch.backbone(torch.zeros(1, 12, MODEL_SAMPLES)).shape[2]
    return tuple(branch.window_s(cell) for cell in range(cells))


def _compared(network: ProtoECGNet, folder: Path, revision: str, ecgs: np.ndarray) -> float:
    shapes = {name: branch.shape for name, branch in network.branches.items()}
    graph = OnnxNetwork.read(folder, revision, shapes, network.statements)
    ours, its = network.look(ecgs), graph.look(ecgs)
    off = float(np.abs(ours.similarities - its.similarities).max())
    if off > CLOSE:
        (folder / HEAD).unlink()
        (folder / GRAPH).unlink()
        raise ExportError(f"The graph's similarities differ by {off:.1e}, more than {CLOSE:.0e}.")
    return off
