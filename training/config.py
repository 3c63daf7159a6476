"""The settings of a training run, read from a TOML file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from protoecg.labels import BRANCHES


class ConfigError(ValueError):
    """A settings file that cannot be used; the message names the setting."""


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms in `protoecg.network.losses`, beside the cross-entropy of weight 1."""

    clustering: float = 0.02
    separation: float = 0.01
    diversity: float = 0.5
    contrastive: float = 0.2
    l1: float = 1e-3


@dataclass(frozen=True)
class BranchConfig:
    """One branch: its shape (see `BranchShape`) and how long each stage lasts, in epochs.

    Parameters
    ----------
    distort : whether pre-training varies the leads and the strip beyond gain and noise
    joint_learning_rate, anchored_learning_rate : the highest of each stage's cycle
    lasso_start : where between the classifier as it is (0) and the lasso of the projected
        prototypes (1) anchored training begins
    live : prototypes embedded anew in each step of anchored training
    members : teachers whose backbones join this branch's, see `Fit`
    signed : whether being unlike a prototype counts for the decision, see `BranchShape`
    unique_patients : whether no two prototypes of a statement may come from one patient
    """

    view: str
    widths: tuple[int, ...]
    strides: tuple[int, ...]
    latent: int = 128
    pooling: str = "best"
    signed: bool = True
    prototypes_per_statement: int = 6
    unique_patients: bool = True
    distort: bool = False
    pretrain_epochs: int = 9
    joint_epochs: int = 4
    joint_learning_rate: float = 1e-3
    anchored_epochs: int = 6
    anchored_learning_rate: float = 1e-3
    lasso_start: float = 0.0
    live: int = 48
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class FusionConfig:
    """Sparse fusion: the penalties tried, as shares of the smallest that empties a statement.

    The statements of each branch take the one for themselves that suits them: of those by which
    no more than `matches` carry 90 % of a finding's positive evidence, in the median of the
    validation ECGs that have it, the sparsest whose AUROC is within `tolerance` of the best.
    `support` is who may speak for a statement: its "own" prototypes, or "any".
    """

    shares: tuple[float, ...] = (0.3, 0.2, 0.14, 0.1, 0.07, 0.05, 0.03)
    tolerance: float = 0.001
    matches: int = 5
    support: str = "own"


@dataclass(frozen=True)
class Config:
    """A whole training run.

    Parameters
    ----------
    train_folds, validation_folds : of PTB-XL
    teacher : share of the targets of joint and anchored training that is not the label but what
        the pretrained backbones say together (Hinton et al., arXiv 1503.02531)
    teachers : more backbones that are pretrained only to teach
    carry_waveforms : store the prototypes' source ECGs in the bundle; for simulated data only
    """

    name: str
    seed: int = 0
    batch: int = 64
    learning_rate: float = 2e-3
    weight_decay: float = 0.02
    teacher: float = 0.5
    train_folds: tuple[int, ...] = (1, 2, 3, 4, 5, 6, 7, 8)
    validation_folds: tuple[int, ...] = (9,)
    carry_waveforms: bool = False
    losses: LossWeights = field(default_factory=LossWeights)
    fusion: FusionConfig = field(default_factory=FusionConfig)
    branches: dict[str, BranchConfig] = field(default_factory=dict)
    teachers: dict[str, BranchConfig] = field(default_factory=dict)


def read_config(path: Path) -> Config:
    """Read a settings file.

    Raises
    ------
    ConfigError
        If a setting is unknown, missing or of the wrong kind.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}") from error
    raw["losses"] = _build(LossWeights, raw.get("losses", {}), "losses")
    raw["fusion"] = _build(FusionConfig, raw.get("fusion", {}), "fusion")
    branches = raw.get("branches", {})
    if unknown := set(branches) - set(BRANCHES):
        raise ConfigError(f"Unknown branch {', '.join(unknown)}; there are {', '.join(BRANCHES)}.")
    raw["branches"] = {
        name: _build(BranchConfig, branches[name], f"branches.{name}")
        for name in BRANCHES
        if name in branches
    }
    raw["teachers"] = {
        name: _build(BranchConfig, settings, f"teachers.{name}")
        for name, settings in raw.get("teachers", {}).items()
    }
    if both := set(raw["teachers"]) & set(BRANCHES):
        raise ConfigError(f"A teacher is named {', '.join(both)}, as a branch is; rename it.")
    return _build(Config, raw, "the file")


def _build(kind: type, raw: dict[str, Any], where: str) -> Any:
    known = {f.name for f in fields(kind)}
    if unknown := set(raw) - known:
        raise ConfigError(
            f"Unknown setting {', '.join(sorted(unknown))} in {where}; "
            f"known: {', '.join(sorted(known))}."
        )
    try:
        return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in raw.items()})
    except TypeError as error:
        raise ConfigError(f"{where}: {error}") from error
