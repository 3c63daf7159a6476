"""A bundle's networks by onnxruntime: what explains where torch is not installed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from threading import Timer
from typing import Any

import numpy as np
import pydantic.dataclasses
import safetensors.numpy

from protoecg.leads.names import LEADS
from protoecg.network.shape import BranchShape
from protoecg.network.sight import Sight
from protoecg.signals import MODEL_SAMPLES
from protoecg.storage.files import STRICT, Format, Head, checksum, read_limited

FORMAT, VERSION = "protoecg-onnx", 1
HEAD, GRAPH, WEIGHTS = "onnx.json", "network.onnx", "weights.safetensors"
MAX_HEAD_BYTES = 1_000_000
MAX_GRAPH_BYTES = 2_000_000_000
# Of the clock, for an ECG, which takes some 20 ms.
MOST_S = 10.0
# Cosines, as float32 rounds them.
_MOST_SIMILAR = 1.001
_ANEW = "Write it anew where torch is, by `python -m training onnx`"


@pydantic.dataclasses.dataclass(frozen=True, config=STRICT, kw_only=True)
class _Index(Head):
    """What is in `onnx.json`.

    Parameters
    ----------
    revision : of the bundle
    sha256 : of the graph
    windows : of each branch, start and end in seconds of what is shown of each cell
    split_by_lead : the branches that do
    """

    revision: str
    sha256: str
    windows: dict[str, tuple[tuple[float, float], ...]]
    split_by_lead: tuple[str, ...]


INDEX = Format(FORMAT, VERSION, _Index, MAX_HEAD_BYTES)


@dataclass(frozen=True)
class OnnxNetwork:
    """A bundle's networks as a graph: they explain, and do nothing else.

    Parameters
    ----------
    shapes : of the branches
    statements, weights, biases : of the fusion: (c,), (c, prototypes) and (c,)
    index : what is known of the graph
    session : of onnxruntime
    """

    shapes: Mapping[str, BranchShape]
    statements: tuple[str, ...]
    weights: np.ndarray
    biases: np.ndarray
    index: _Index
    session: Any

    @classmethod
    def read(
        cls,
        folder: Path,
        revision: str,
        shapes: Mapping[str, BranchShape],
        statements: tuple[str, ...],
    ) -> OnnxNetwork:
        """Read the graph beside a bundle, and the fusion from the bundle's weights.

        Raises
        ------
        ValueError
            If there is none, it is damaged, of another revision of the bundle, or gives something
            else for an ECG than the bundle's networks do.
        """
        if not (folder / HEAD).is_file():
            raise ValueError(
                f"torch is not installed, and there is no ONNX graph beside the bundle. {_ANEW}"
            )
        index = INDEX.read(folder / HEAD)
        if index.revision != revision or checksum(folder / GRAPH) != index.sha256:
            raise ValueError("its ONNX graph is damaged, or of another revision. Write it anew")
        if set(index.windows) != set(shapes):
            raise ValueError("its ONNX graph has other branches")
        session = _session(folder / GRAPH)
        stored = safetensors.numpy.load_file(folder / WEIGHTS)
        if not all(np.isfinite(each).all() for each in stored.values()):
            raise ValueError("its network has weights that are no numbers")
        weights, biases = stored["fusion.weight"], stored["fusion.bias"]
        network = cls(shapes, statements, weights, biases, index, session)
        # What explains no flat ECG explains none; so it is said here, and not of a patient's.
        network.look(np.zeros((1, len(LEADS), MODEL_SAMPLES), np.float32))
        return network

    @property
    def owners(self) -> tuple[tuple[str, str], ...]:
        """Branch and statement of each prototype, in the order of the similarities."""
        return tuple((name, owner) for name, shape in self.shapes.items() for owner in shape.owners)

    def look(self, x: np.ndarray, *, by_lead: bool = True) -> Sight:
        """Return what the prototypes see in ECGs (n, 12, 1000), as `ProtoECGNet.look` does.

        Raises
        ------
        ValueError
            If the graph is not of these networks, or takes longer than `MOST_S` an ECG.
        """
        try:
            similarities, cells, _, *parts = self._run(x.astype(np.float32))
            by_branch = dict(zip(self.index.split_by_lead, parts, strict=True))
        # The library has errors of its own for each thing that a graph can lack.
        except Exception as error:
            raise ValueError(f"its ONNX graph cannot be run, or takes too long. {_ANEW}") from error
        if not self._is_ours(len(x), similarities, cells, by_branch):
            raise ValueError(f"its ONNX graph is of other networks. {_ANEW}")
        return Sight(similarities, cells, by_branch if by_lead else {})

    def _run(self, x: np.ndarray) -> list[np.ndarray]:
        from onnxruntime import RunOptions

        options = RunOptions()
        timer = Timer(MOST_S * len(x), setattr, (options, "terminate", True))
        timer.daemon = True
        timer.start()
        try:
            return list(self.session.run(None, {"ecg": x}, options))
        finally:
            timer.cancel()

    def _is_ours(
        self, n: int, similarities: np.ndarray, cells: np.ndarray, parts: Mapping[str, np.ndarray]
    ) -> bool:
        """Say whether this can be what the bundle's prototypes see in n ECGs."""
        shape = (n, len(self.owners))
        if similarities.shape != shape or cells.shape != shape or cells.dtype.kind != "i":
            return False
        if not (np.abs(similarities) <= _MOST_SIMILAR).all():
            return False
        for name in self.shapes:
            own = cells[:, self.columns(name)]
            if own.size and not 0 <= own.min() <= own.max() < len(self.index.windows[name]):
                return False
        return all(
            part.shape == (n, len(self.columns(name)), len(LEADS)) and np.isfinite(part).all()
            for name, part in parts.items()
        )

    def columns(self, branch: str) -> range:
        """Return the columns of the similarities that are a branch's prototypes."""
        counts = [len(shape.owners) for shape in self.shapes.values()]
        end = dict(zip(self.shapes, accumulate(counts), strict=True))[branch]
        return range(end - len(self.shapes[branch].owners), end)

    def window_s(self, branch: str, cell: int) -> tuple[float, float]:
        """Start and end of what is shown of a branch's cell, in seconds."""
        return self.index.windows[branch][cell]


def _session(graph: Path) -> Any:
    try:
        from onnxruntime import InferenceSession, SessionOptions
    except ModuleNotFoundError:
        raise ValueError("neither torch nor onnxruntime is installed") from None
    options = SessionOptions()
    # Processes side by side are faster than threads.
    options.intra_op_num_threads = 1
    content = read_limited(graph, MAX_GRAPH_BYTES)
    try:
        return InferenceSession(content, options, providers=["CPUExecutionProvider"])
    # The library has errors of its own for each thing that a graph can be wrong in.
    except Exception as error:
        raise ValueError(f"its ONNX graph is none that can be run. {_ANEW}") from error
