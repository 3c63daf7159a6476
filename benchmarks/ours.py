"""What is timed of ours: a shipped bundle, or one of PTB-XL's shape with random weights."""

from __future__ import annotations

from pathlib import Path

import torch

from protoecg.bundle import Bundle, load_bundle
from protoecg.labels import PTBXL
from protoecg.network.protoecgnet import ProtoECGNet
from protoecg.network.shape import BranchShape
from protoecg.prototypes.manifest import Decision
from protoecg.prototypes.prototype import Prototype
from training.fit.config import LossWeights, read_config
from training.fit.stages import Joint

ROOT = Path(__file__).resolve().parents[1]
# Of all weights of a fusion: about what the sparse fit leaves.
FUSION_DENSITY = 0.1


def bundle(which: str) -> tuple[Bundle, str]:
    """Return a bundle by name, and words for what it is; "auto" takes the best that is there."""
    names = ["ptbxl", "demo"] if which == "auto" else [which]
    for name in names:
        if (ROOT / "models" / name / "bundle.json").is_file():
            return load_bundle(ROOT / "models" / name), f"the shipped models/{name}"
    words = "the shape of training/configs/ptbxl.toml with random weights"
    return _random(), words


def _random() -> Bundle:
    config = read_config(ROOT / "training" / "configs" / "ptbxl.toml")
    shapes = {}
    for name, b in config.branches.items():
        codes = [code for code, s in PTBXL.items() if s.branch == name]
        owners = tuple(code for code in codes for _ in range(b.prototypes_per_statement))
        sizes = b.widths, b.strides, b.latent
        shapes[name] = BranchShape(b.view, *sizes, owners, members=1 + len(b.members))  # type: ignore[arg-type]
    torch.manual_seed(0)
    network = ProtoECGNet(shapes, tuple(PTBXL)).eval().requires_grad_(False)
    network.fusion.weight *= torch.rand_like(network.fusion.weight) < FUSION_DENSITY
    prototypes = tuple(
        Prototype(
            name=f"{n}-{i}",
            branch=n,
            statement=code,
            record="records100/00000/00001_lr",
            window_s=(0.0, 10.0),
            statements=(code,),
            patient="1",
            age=None,
            sex=None,
            sha256="",
        )
        for n, shape in shapes.items()
        for i, code in enumerate(shape.owners)
    )
    decisions = {code: Decision(0.5, 100, False) for code in PTBXL}
    return Bundle(
        path=ROOT,
        name="random",
        simulated=False,
        network=network,
        prototypes=prototypes,
        decisions=decisions,
        labels=PTBXL,
        familiarity=None,
        measured=None,
        about={},
        fingerprint="random",
        revision="random",
    )


def joints(network: ProtoECGNet, labels: torch.Tensor) -> list[tuple[Joint, torch.Tensor]]:
    """Each branch in joint training, with the labels of its own statements."""
    found = []
    for branch in network.branches.values():
        codes = list(branch.shape.statements)
        y = labels[:, [network.statements.index(code) for code in codes]]
        found.append((Joint(branch, LossWeights(), y), y))
    return found
