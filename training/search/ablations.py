"""What each rule costs or gains: one small branch a row, the same but for one setting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from protoecg.bundle import Bundle
from training.fit.config import ConfigError, read_config
from training.fit.run import Fit
from training.fit.setup import Setup
from training.measure.evaluate import evaluate

REFERENCE = "ours"
BRANCH = "morphology"


def ablations(
    configs: Path, root: Path, work: Path, fold: int, device: torch.device
) -> dict[str, Any]:
    """Fit every settings file of a folder and compare it with `ours.toml` of that folder.

    Parameters
    ----------
    root : data set in PTB-XL's layout
    work : folder for checkpoints and bundles; resumes
    fold : to measure on, which no settings file trains on or selects by

    Returns
    -------
    fold, n, branch : what was measured
    rows : of each file its name, the macro AUROC of the branch alone with its interval, the
        difference from ours with its interval, and the median prototypes of a statement

    Raises
    ------
    ConfigError
        If there is no `ours.toml`, or a file trains on the fold or selects by it.
    """
    files = {file.stem: file for file in sorted(configs.glob("*.toml"))}
    if REFERENCE not in files:
        raise ConfigError(f"{configs} holds no {REFERENCE}.toml, which the others differ from.")
    settings = {stem: read_config(file) for stem, file in files.items()}
    for stem, config in settings.items():
        if fold in (*config.train_folds, *config.validation_folds):
            raise ConfigError(
                f"{files[stem]} trains on fold {fold} or selects by it; name another with --fold."
            )
    bundles = {
        stem: Fit(Setup(config, root, work / stem, device)).run(work / stem / "bundle")
        for stem, config in settings.items()
    }
    ours = bundles.pop(REFERENCE)
    compared = {stem: evaluate(bundle, root, fold, ours) for stem, bundle in bundles.items()}
    evaluated = evaluate(ours, root, fold)
    rows = [_row(REFERENCE, ours, evaluated)]
    rows += [_row(stem, bundles[stem], results) for stem, results in compared.items()]
    return {"fold": fold, "n": evaluated["n"], "branch": BRANCH, "rows": rows}


def _row(stem: str, bundle: Bundle, results: dict[str, Any]) -> dict[str, Any]:
    alone = results["per_branch"][BRANCH]
    compared = results.get("comparison", {}).get("per_part", {}).get(BRANCH, {})
    used = (bundle.network.solo[BRANCH].weight != 0).sum(dim=1)
    return {
        "config": stem,
        "name": bundle.name,
        "macro_auroc": alone["macro_auroc"],
        "macro_auroc_interval": alone["macro_auroc_interval"],
        # evaluate() tells by how much the first bundle is above the second, here ours.
        "difference": compared.get("difference"),
        "difference_interval": compared.get("difference_interval"),
        "median_prototypes": float(used.float().median()),
    }


def table(results: dict[str, Any]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        f"Macro AUROC of a small {results['branch']} branch on fold {results['fold']} "
        f"({results['n']} ECGs)",
        "",
        "| settings | macro AUROC | above ours | prototypes a statement |",
        "|---|---|---|---|",
        *(_line(row) for row in results["rows"]),
    ]
    return "\n".join(lines) + "\n"


def _line(row: dict[str, Any]) -> str:
    metric = f"{row['macro_auroc']:.3f} ({_ends(row['macro_auroc_interval'], '.3f')})"
    above = ""
    if row["difference"] is not None:
        above = f"{row['difference']:+.3f} ({_ends(row['difference_interval'], '+.3f')})"
    return f"| {row['name']} | {metric} | {above} | {row['median_prototypes']:.0f} |"


def _ends(interval: list[float], form: str) -> str:
    return " to ".join(format(end, form) for end in interval)
