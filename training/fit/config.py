"""The settings of a training run, read from a TOML file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from protoecg.labels import BRANCHES
from protoecg.network.shape import Pooling, View
from protoecg.storage.files import read_toml, toml_text

CHECKED = ConfigDict(extra="forbid", allow_inf_nan=False)

Count = Annotated[int, Field(ge=0)]
Size = Annotated[int, Field(ge=1)]
Weight = Annotated[float, Field(ge=0)]
Rate = Annotated[float, Field(gt=0)]
Part = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(ge=0, lt=1)]
Shares = Annotated[tuple[Share, ...], Field(min_length=1)]
Folds = Annotated[tuple[Size, ...], Field(min_length=1)]


class ConfigError(ValueError):
    """A settings file that cannot be used; the message names the setting."""


@dataclass(frozen=True, config=CHECKED)
class LossWeights:
    """Weights of the terms in `protoecg.network.losses`, beside the cross-entropy of weight 1."""

    clustering: Weight = 0.02
    separation: Weight = 0.01
    diversity: Weight = 0.5
    contrastive: Weight = 0.2
    l1: Weight = 1e-3


@dataclass(frozen=True, config=CHECKED)
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
    sure : whether prototypes are chosen among ECGs whose labels can be relied on, see `choice`
    signed : whether being unlike a prototype counts for the decision, see `BranchShape`
    unique_patients : whether no two prototypes of a statement may come from one patient
    """

    view: View
    widths: Annotated[tuple[Size, ...], Field(min_length=1)]
    strides: tuple[Size, ...]
    latent: Size = 128
    pooling: Pooling = "best"
    signed: bool = True
    prototypes_per_statement: Size = 6
    unique_patients: bool = True
    sure: bool = True
    distort: bool = False
    pretrain_epochs: Count = 9
    joint_epochs: Count = 4
    joint_learning_rate: Rate = 1e-3
    anchored_epochs: Count = 6
    anchored_learning_rate: Rate = 1e-3
    lasso_start: Part = 0.0
    live: Size = 48
    members: tuple[str, ...] = ()


@dataclass(frozen=True, config=CHECKED)
class FusionConfig:
    """Sparse fusion: the penalties tried, as shares of the smallest that empties a statement.

    The statements of each branch take the one for themselves that suits them: of those by which
    no more than `matches` carry 90 % of a finding's positive evidence, in the median of the
    validation ECGs that have it, the sparsest whose AUROC is within `tolerance` of the best.
    `measured` is the weight of what measurements say beside the prototypes, none at all if 0;
    `measured_share` is their penalty, see `training.fit.measured`.
    `support` is who may speak for a statement: its "own" prototypes, by one weight for all, or
    "any", each by its own.
    """

    shares: Shares = (0.3, 0.2, 0.14, 0.1, 0.07, 0.05, 0.03)
    tolerance: Weight = 0.001
    matches: Size = 6
    measured: Part = 0.4
    measured_share: Share = 0.05
    support: Literal["own", "any"] = "own"


@dataclass(frozen=True, config=CHECKED)
class Config:
    """A whole training run.

    Parameters
    ----------
    name : of the bundle; without one, that of the data set
    train_folds, validation_folds : of PTB-XL
    teacher : share of the targets of joint and anchored training that is not the label but what
        the pretrained backbones say together (Hinton et al., arXiv 1503.02531)
    teachers : more backbones that are pretrained only to teach
    carry_waveforms : store the prototypes' source ECGs in the bundle; for simulated data only
    """

    name: str = ""
    seed: Count = 0
    batch: Size = 64
    learning_rate: Rate = 2e-3
    weight_decay: Weight = 0.02
    teacher: Part = 0.5
    train_folds: Folds = (1, 2, 3, 4, 5, 6, 7, 8)
    validation_folds: Folds = (9,)
    carry_waveforms: bool = False
    losses: LossWeights = Field(default_factory=LossWeights)
    fusion: FusionConfig = Field(default_factory=FusionConfig)
    branches: dict[str, BranchConfig] = Field(default_factory=dict)
    teachers: dict[str, BranchConfig] = Field(default_factory=dict)


def read_config(path: Path) -> Config:
    """Read a settings file.

    Raises
    ------
    ConfigError
        If a setting is unknown, missing, of the wrong kind or out of its range,
        or if two contradict.
    """
    try:
        raw = read_toml(toml_text(path))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as TOML: {error}") from error
    branches = raw.get("branches", {})
    if isinstance(branches, dict):
        if unknown := set(branches) - set(BRANCHES):
            raise ConfigError(
                f"Unknown branch {', '.join(sorted(unknown))}; there are {', '.join(BRANCHES)}."
            )
        raw["branches"] = {name: branches[name] for name in BRANCHES if name in branches}
    return _checked(raw, path)


def config_of(about: Mapping[str, Any], path: Path) -> Config:
    """Return the settings that a bundle was made by.

    Parameters
    ----------
    about : of the bundle's manifest
    path : its folder

    Raises
    ------
    ConfigError
        If they are not those of this version.
    """
    return _checked(about.get("config", {}), path)


def _checked(raw: Mapping[str, Any], path: Path) -> Config:
    try:
        config = TypeAdapter(Config).validate_python(raw)
    except ValidationError as error:
        raise ConfigError(f"{path} cannot be used. {_in_words(error)}") from error
    _refuse_contradictions(config)
    return config


def _in_words(error: ValidationError) -> str:
    """Name each setting that is wrong and say why."""
    found = error.errors(include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in found)


def _refuse_contradictions(config: Config) -> None:
    if not config.branches:
        raise ConfigError(
            f"There is no branch to train; name one or more of {', '.join(BRANCHES)}."
        )
    if both := set(config.teachers) & set(BRANCHES):
        raise ConfigError(f"A teacher is named {', '.join(both)}, as a branch is; rename it.")
    if folds := set(config.train_folds) & set(config.validation_folds):
        raise ConfigError(
            f"Fold {', '.join(map(str, sorted(folds)))} is in train_folds and in validation_folds; "
            "ECGs that were trained on cannot select or calibrate."
        )
