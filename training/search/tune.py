"""Search for better settings of the stages after pre-training, by the validation AUROC alone.

What is varied leaves all pretrained backbones as they are, so that a trial trains no more than
the stages it changes. A branch is searched by the settings that are its own; the settings that all
branches share (loss weights, the teacher's share) by training all of them: any trial is thereby a
run that its settings file alone repeats.

The best of many trials is flattered by having been chosen: what it is worth must be measured on a
fold that the settings file does not name.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import optuna
import tomli_w
import torch
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from tqdm import tqdm

from protoecg.storage.files import atomic_write, write_bytes
from training import kept
from training.fit.config import Config, ConfigError, read_config
from training.fit.run import Fit
from training.fit.setup import Setup

# A rate or weight is varied from so many times below to so many times above the given one.
FACTOR = 4.0
# A trial lasts minutes to hours, so that few may be spent on guesses before the model of TPE.
GUESSES = 5


@dataclass(frozen=True)
class Search:
    """A search, resumable from its work folder.

    Parameters
    ----------
    config : settings to start from
    root : data set in PTB-XL's layout
    work : folder of the search: `study.log`, `base/`, a `trial-N/` each, and `best.toml`
    branch : whose own settings are varied; if None, those that all branches share
    """

    config: Config
    root: Path
    work: Path
    device: torch.device
    branch: str | None = None

    def run(self, trials: int) -> optuna.Study:
        """Go on until `trials` are done beside the given settings; write `best.toml`.

        Raises
        ------
        ConfigError
            If the branch is none, or if the work folder belongs to another search.
        """
        ranges = space(self.config, self.branch)
        base = Fit(Setup(self.config, self.root, self.work / "base", self.device))
        study = self._study()
        if not study.trials:
            metric = _metric(base, self.work / "base" / "bundle")
            study.add_trial(_as_given(self.config, ranges, metric))
        _drop_unasked(study, ranges)
        while len(done := study.get_trials(states=(TrialState.COMPLETE,))) <= trials:
            number, values = self._next(study, ranges)
            _say(f"trial {number} ({len(done)} of {trials}): {_text(values)}")
            metric = self._try(number, values)
            study.tell(number, metric)
            _say(f"trial {number}: macro AUROC {metric:.4f}, best so far {study.best_value:.4f}")
        self._write_best(study)
        return study

    def _study(self) -> optuna.Study:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        file = self.work / "study.log"
        with kept.reading(file):
            storage = JournalStorage(JournalFileBackend(str(file)))
            study = optuna.create_study(
                storage=storage, study_name="tune", direction="maximize", load_if_exists=True
            )
        about = json.loads(json.dumps({"config": asdict(self.config), "branch": self.branch}))
        if study.user_attrs.get("about", about) != about:
            raise ConfigError(
                f"{self.work} holds a search from other settings or of another branch. Choose "
                "another folder with --work, or delete it to start anew."
            )
        study.set_user_attr("about", about)
        return study

    def _next(
        self, study: optuna.Study, ranges: dict[str, BaseDistribution]
    ) -> tuple[int, dict[str, Any]]:
        """Return number and settings of the trial that a kill left unfinished, or of a new one."""
        unfinished = study.get_trials(states=(TrialState.RUNNING,))
        if unfinished:
            return unfinished[0].number, unfinished[0].params
        # A seed for each trial: a search that was killed and resumed tries the same settings.
        seed = self.config.seed + len(study.trials)
        study.sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=GUESSES)
        trial = study.ask(ranges)
        return trial.number, trial.params

    def _try(self, number: int, values: Mapping[str, Any]) -> float:
        """Return the validation AUROC of the base settings with some changed."""
        folder = self.work / f"trial-{number}"
        folder.mkdir(exist_ok=True)
        link(self.work / "base", folder, self._kept())
        file = folder / "config.toml"
        write_config(file, changed_settings(self.config, values))
        setup = Setup(read_config(file), self.root, folder, self.device)
        return _metric(Fit(setup), folder / "bundle")

    def _kept(self) -> list[str]:
        """Files of the base run that no trial changes."""
        inputs = [f"{part}.{kind}" for part in ("train", "validation") for kind in ("npy", "json")]
        teacher = ["teacher.npy"] if self.config.teacher > 0 else []
        varied = {self.branch} if self.branch else set(self.config.branches)
        done = [f"{n}-pretrain.pt" if n in varied else f"{n}.pt" for n in self.config.branches]
        members = [m for name in varied for m in self.config.branches[name].members]
        return inputs + teacher + done + [f"{member}-pretrain.pt" for member in members]

    def _write_best(self, study: optuna.Study) -> None:
        best = changed_settings(self.config, study.best_params)
        write_config(self.work / "best.toml", best, f"# {summary(study)}\n")


def summary(study: optuna.Study) -> str:
    """Return which trial is best and by how much, in a line."""
    best, given = study.best_trial, study.trials[0]
    which = "the settings as given" if best.number == given.number else f"trial {best.number}"
    done = len(study.get_trials(states=(TrialState.COMPLETE,))) - 1
    return (
        f"Best of {done} trials: {which}, validation macro AUROC {best.value:.4f} "
        f"(as given {given.value:.4f})"
    )


def space(config: Config, branch: str | None) -> dict[str, BaseDistribution]:
    """Range of each setting that is varied, by its path such as `losses.l1`.

    Every range holds the setting as given. A weight or teacher's share of zero stays so; the
    learning rate of a stage without epochs is not varied.

    Raises
    ------
    ConfigError
        If the settings have no such branch.
    """
    if branch is None:
        weights = {f"losses.{k}": _around(v) for k, v in asdict(config.losses).items() if v > 0}
        teacher = {"teacher": FloatDistribution(0, 1)} if config.teacher > 0 else {}
        return {**teacher, **weights}
    if branch not in config.branches:
        raise ConfigError(f"No branch {branch} in the settings; has {', '.join(config.branches)}.")
    own = asdict(config.branches[branch])
    count = own["prototypes_per_statement"]
    stages = [stage for stage in ("joint", "anchored") if own[f"{stage}_epochs"] > 0]
    path = f"branches.{branch}"
    rates = {f"{path}.{s}_learning_rate": _around(own[f"{s}_learning_rate"]) for s in stages}
    counts = IntDistribution(max(1, count // 2), 2 * count)
    return {f"{path}.prototypes_per_statement": counts, **rates}


def _around(value: float) -> FloatDistribution:
    return FloatDistribution(value / FACTOR, value * FACTOR, log=True)


def changed_settings(config: Config, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return all settings as a nested dict, those at the paths in `values` changed."""
    settings = asdict(config)
    for path, value in values.items():
        *tables, key = path.split(".")
        reduce(getitem, tables, settings)[key] = value
    return settings


def write_config(file: Path, settings: Mapping[str, Any], heading: str = "") -> None:
    """Write settings as a TOML file that `read_config` reads."""
    write_bytes(file, (heading + tomli_w.dumps(settings)).encode())


def link(source: Path, folder: Path, names: list[str]) -> None:
    """Hard-link files of `source` into `folder`, or copy them where links are not possible.

    Whoever writes to such a file must replace it, as all stages do.
    """
    for name in names:
        if (folder / name).exists():
            continue
        try:
            os.link(source / name, folder / name)
        except OSError:
            with atomic_write(folder / name) as copy, (source / name).open("rb") as original:
                shutil.copyfileobj(original, copy)


def _as_given(
    config: Config, ranges: dict[str, BaseDistribution], metric: float
) -> optuna.trial.FrozenTrial:
    settings = asdict(config)
    values = {path: reduce(getitem, path.split("."), settings) for path in ranges}
    return optuna.create_trial(params=values, distributions=ranges, value=metric)


def _drop_unasked(study: optuna.Study, ranges: Mapping[str, BaseDistribution]) -> None:
    """Fail what a kill left before all its settings were drawn."""
    for trial in study.get_trials(states=(TrialState.RUNNING,)):
        if trial.params.keys() != ranges.keys():
            study.tell(trial.number, state=TrialState.FAIL)


def _metric(fit: Fit, out: Path) -> float:
    return fit.run(out).about["validation"]["macro_auroc"]


def _say(line: str) -> None:
    tqdm.write(line, file=sys.stderr)


def _text(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{path.split('.')[-1]} {value:.3g}" for path, value in values.items())
