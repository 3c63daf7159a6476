"""The commands that make data sets, bundles, and what is made of both."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Argument, BadParameter, Option, Typer

from protoecg.storage.files import write_json
from training.commands.options import (
    CONFIGS,
    Bundle,
    Data,
    Device,
    Fold,
    Folds,
    Json,
    OnRay,
    device_named,
    engine_at,
)

if TYPE_CHECKING:
    from protoecg.bundle import Bundle as Trained

app = Typer()


@app.command()
def download(
    folder: Annotated[Path, Argument(metavar="DIR", help="to put it in, such as data/ptbxl")],
) -> None:
    """Get PTB-XL from PhysioNet; resumes."""
    from training.data.download import download

    download(folder)


@app.command()
def simulate(
    folder: Annotated[Path, Argument(metavar="DIR")],
    n: Annotated[int, Option("--n", help="number of ECGs")] = 2000,
    seed: int = 0,
) -> None:
    """Write simulated ECGs in PTB-XL's layout."""
    from training.data.simulated import write_dataset

    write_dataset(folder, n, seed)


@app.command()
def check(
    dataset: Annotated[Path, Argument(metavar="DATASET.toml", help="the description")],
    read: Annotated[int, Option(help="ECGs to read, drawn by chance")] = 300,
) -> None:
    """Say what is wrong with a described data set before training."""
    from training.data.check import check, refuse

    report = check(dataset, read)
    sys.stdout.writelines(f"{line}\n" for line in report.lines())
    refuse(report)


@app.command()
def fit(
    data: Data,
    out: Bundle,
    config: Annotated[Path, Option(help="TOML settings", show_default="ptbxl.toml")] = (
        CONFIGS / "ptbxl.toml"
    ),
    work: Annotated[Path | None, Option(help="checkpoints and log; else runs/<bundle>")] = None,
    device: Device = "auto",
    processes: Annotated[int, Option(help="train branches side by side")] = 1,
    forget: Annotated[Path | None, Option(metavar="TOML", help="windows to keep away from")] = None,
    ray: OnRay = None,
) -> None:
    """Train a bundle; resumes where it was stopped.

    With --ray a cluster looks for the windows that prototypes become; all else is done here.
    """
    from training.fit import ranks
    from training.fit.config import read_config
    from training.fit.forget import read_forgetting
    from training.fit.run import Fit
    from training.fit.setup import Setup

    if ray and processes > 1:
        raise BadParameter("--ray and --processes cannot go together: leave one out.")
    forgetting = read_forgetting(forget) if forget else None
    with ranks.folders(work or Path("runs") / out.name, out) as (place, written):
        engine = engine_at(ray) if ray else None
        run = Fit(Setup(read_config(config), data, place, device_named(device), forgetting, engine))
        if processes > 1:
            run.branches.side_by_side(processes)
        made = run.run(written)
    if written == out:
        sys.stdout.write(f"{out}: {_made(made)}\n")


@app.command()
def refit(
    bundle: Bundle,
    data: Annotated[Path, Option(help="that it was trained on")],
    out: Annotated[Path, Option(help="folder of the new bundle")],
    measured: Annotated[
        float | None, Option(min=0, max=1, help="weight of measurements; else as before")
    ] = None,
    work: Annotated[Path | None, Option(help="cached inputs and log; else runs/<out>")] = None,
    ray: OnRay = None,
) -> None:
    """Choose, fuse and calibrate anew on a bundle's networks."""
    from dataclasses import replace

    from protoecg.bundle import load_bundle
    from training.fit.config import config_of
    from training.fit.run import Fit
    from training.fit.setup import Setup
    from training.graph import carry_graph

    parent = load_bundle(bundle)
    config = config_of(parent.about, bundle)
    if measured is not None:
        config = replace(config, fusion=replace(config.fusion, measured=measured))
    engine = engine_at(ray) if ray else None
    work = work or Path("runs") / out.name
    run = Fit(Setup(config, data, work, device_named("auto"), engine=engine))
    made = run.again(parent, out)
    sys.stdout.write(f"{out}: revision {made.revision}, measure it anew for its card\n")
    if note := carry_graph(parent, made):
        sys.stdout.write(f"{note}\n")


@app.command()
def ablations(
    data: Data,
    work: Annotated[Path, Option(help="checkpoints and bundles")],
    json: Json,
    configs: Annotated[Path, Option(help="a settings file a rule", show_default="ours")] = (
        CONFIGS / "ablations"
    ),
    fold: Fold = 9,
    device: Device = "auto",
) -> None:
    """Measure what each rule costs or gains."""
    from training.search.ablations import ablations, table

    results = ablations(configs, data, work, fold, device_named(device))
    write_json(json, results)
    sys.stdout.write(table(results))


@app.command()
def tune(
    data: Data,
    config: Annotated[Path, Option(help="TOML settings to start from")],
    trials: Annotated[int, Option(help="how many, beside those given")],
    work: Annotated[Path, Option(help="trials, and best.toml at the end")],
    branch: Annotated[str | None, Option(help="vary its own settings, not the shared")] = None,
    device: Device = "auto",
) -> None:
    """Search for settings by the validation AUROC; resumes."""
    from training.fit.config import read_config
    from training.search.tune import Search, summary

    search = Search(read_config(config), data, work, device_named(device), branch)
    sys.stdout.write(f"{summary(search.run(trials))}\n")


@app.command()
def neighbours(bundle: Bundle, data: Data, ray: OnRay = None) -> None:
    """Index a bundle's training ECGs, so that the nearest can be shown."""
    from protoecg.bundle import load_bundle
    from protoecg.evidence.neighbours import NUMBERS
    from training.neighbours import index

    ecgs = index(load_bundle(bundle), data, engine_at(ray))
    size_mb = (bundle / NUMBERS).stat().st_size / 1e6
    sys.stdout.write(f"The index of {bundle}: {len(ecgs)} ECGs, {size_mb:.1f} MB\n")


@app.command()
def cases(
    bundle: Annotated[Path, Option(help="whose study it is")],
    data: Data,
    folds: Folds,
    out: Annotated[Path, Option(help="JSON file for a study's cases")],
    other: Annotated[Path | None, Option(help="the bundle that pairs compare it with")] = None,
    matches: Annotated[int, Option(help="how many")] = 0,
    pairs: Annotated[int, Option(help="how many")] = 0,
    readings: Annotated[int, Option(help="how many, each with the finding it is about")] = 0,
    specificity: Annotated[
        int, Option(help="how many more readings, surely without the finding in question")
    ] = 0,
    seed: Annotated[int, Option(help="the same seed draws the same ones")] = 0,
) -> None:
    """Draw patients' ECGs for a reader study."""
    from protoecg.bundle import load_bundle
    from training.cases import Numbers, cases, notes, refuse_trained_on
    from training.data import ptbxl

    studied, compared = load_bundle(bundle), load_bundle(other) if other else None
    dataset = ptbxl.load(data).folds(folds)
    for each in (studied, compared) if compared else (studied,):
        refuse_trained_on(each, dataset)
    numbers = Numbers(matches, pairs, readings, specificity)
    drawn = cases(studied, dataset, numbers, other=compared, seed=seed)
    write_json(out, drawn)
    counts = ", ".join(f"{len(of_kind)} {kind}" for kind, of_kind in drawn.items())
    without = f" ({specificity} without the finding in question)" if specificity else ""
    sys.stdout.write(f"{out}: {counts.replace('readings', f'readings{without}', 1)}\n")
    for note in notes(studied, dataset):
        sys.stdout.write(f"Note: {note}\n")


def _made(bundle: Trained) -> str:
    """Say what `fit` made, and what to do with it."""
    about = bundle.about
    return (
        f"{bundle.name}, revision {bundle.revision}, trained on {about['training_ecgs']} ECGs, "
        f"chosen and calibrated on {about['validation_ecgs']}. `evaluate` says what it is worth."
    )
