"""A bundle's networks as an ONNX graph beside it, and beside the bundles that are made of it."""

from __future__ import annotations

import numpy as np

from protoecg.bundle import Bundle
from protoecg.network.onnx_export import ExportError, export
from protoecg.network.onnx_network import GRAPH, HEAD
from protoecg.signals import model_input
from protoecg.simulate import EXAMPLES, simulate


def write_graph(bundle: Bundle) -> str:
    """Write the graph of a bundle beside it, compare the two, and say how much they differ.

    Raises
    ------
    ExportError
        If the packages for it are not installed, or the graph sees otherwise; nothing stays then.
    """
    ecgs = [simulate(codes, seed=n).ecg for n, codes in enumerate(EXAMPLES.values())]
    inputs = np.stack([model_input(ecg) for ecg in ecgs])
    off = export(bundle.network, bundle.path, bundle.revision, inputs)
    return f"{GRAPH}: similarities of {len(ecgs)} simulated ECGs differ by {off:.1e}"


def carry_graph(parent: Bundle, made: Bundle) -> str:
    """Write a graph for a bundle whose parent has one; return a note, also where it is left out.

    It is never copied: weights, and so the graph's logits and its revision, are others.
    """
    if not (parent.path / HEAD).is_file():
        return ""
    try:
        return write_graph(made)
    except ExportError as error:
        return f"{GRAPH} of {parent.path} fits no longer and is left out. {error}"
