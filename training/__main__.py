"""`python -m training`: from PTB-XL to a trained bundle, and what it is worth."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from typer import Argument, Option

from protoecg import command_line
from protoecg.files import write_json

if TYPE_CHECKING:
    import torch

CONFIGS = Path(__file__).parent / "configs"

Bundle = Annotated[Path, Option(help="folder of the bundle")]
Data = Annotated[Path, Option(help="PTB-XL, or a set in its layout")]
Fold = Annotated[int, Option(help="to measure on")]
Folds = Annotated[list[int], Option("--fold", help="one or more")]
Json = Annotated[Path, Option("--json", help="file for the figures")]
Device = Annotated[str, Option(help="cpu, cuda, or auto")]

app = command_line.commands(__doc__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; bad input gets one line on standard error."""
    return command_line.run(app, arguments, name="python -m training", errors=_errors)


def _errors() -> tuple[type[Exception], ...]:
    from protoecg.card.document import CardError
    from protoecg.ecg import ECGError
    from protoecg.evidence.neighbours import NeighboursError
    from protoecg.prototypes.manifest import BundleError
    from training.data.download import DownloadError
    from training.data.ptbxl import DataError
    from training.fit.config import ConfigError

    bundle = BundleError, CardError, NeighboursError
    return (*bundle, ConfigError, DataError, DownloadError, ECGError, OSError)


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
def fit(
    data: Data,
    out: Bundle,
    config: Annotated[Path, Option(help="TOML settings", show_default="ptbxl.toml")] = (
        CONFIGS / "ptbxl.toml"
    ),
    work: Annotated[Path | None, Option(help="checkpoints and log; else runs/<bundle>")] = None,
    device: Device = "auto",
    processes: Annotated[int, Option(help="train branches side by side")] = 1,
) -> None:
    """Train a bundle; resumes where it was stopped."""
    from training.fit.config import read_config
    from training.fit.run import Fit

    run = Fit(read_config(config), data, work or Path("runs") / out.name, _device(device))
    if processes > 1:
        run.side_by_side(processes)
    run.run(out)


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

    figures = ablations(configs, data, work, fold, _device(device))
    _write(json, figures)
    sys.stdout.write(table(figures))


@app.command()
def tune(
    data: Data,
    config: Annotated[Path, Option(help="TOML settings to start from")],
    trials: Annotated[int, Option(help="how many, beside those given")],
    work: Annotated[Path, Option(help="trials, and best.toml at the end")],
    branch: Annotated[str | None, Option(help="vary its own settings, not the shared")] = None,
    device: Device = "auto",
) -> None:
    """Search for settings by the validation figure; resumes."""
    from training.fit.config import read_config
    from training.search.tune import Search, summary

    search = Search(read_config(config), data, work, _device(device), branch)
    sys.stdout.write(f"{summary(search.run(trials))}\n")


@app.command()
def evaluate(
    bundle: Bundle,
    data: Data,
    fold: Fold,
    json: Json,
    compare: Annotated[
        Path | None, Option(metavar="BUNDLE", help="also test which of the two ranks better")
    ] = None,
) -> None:
    """Measure a bundle on a fold."""
    from protoecg.bundle import load_bundle
    from training.measure.evaluate import evaluate, summary

    other = load_bundle(compare) if compare else None
    figures = evaluate(load_bundle(bundle), data, fold, other)
    _write(json, figures)
    sys.stdout.write(summary(figures))


@app.command()
def faithfulness(
    bundle: Bundle,
    data: Data,
    fold: Fold,
    json: Json,
    data500: Annotated[
        Path | None, Option(help="folder that holds records500; else that of --data")
    ] = None,
) -> None:
    """Measure whether a bundle's explanations are true."""
    from protoecg.bundle import load_bundle
    from training.measure.faithfulness import faithfulness, table

    figures = faithfulness(load_bundle(bundle), data, fold, data500 or data)
    _write(json, figures)
    sys.stdout.write(f"{figures['n']} ECGs of fold {fold}\n\n{table(figures)}\n")


@app.command()
def abstention(bundle: Bundle, data: Data, fold: Fold, json: Json) -> None:
    """Measure how often a bundle abstains, from ordinary and spoiled ECGs."""
    from protoecg.bundle import load_bundle
    from training.measure.abstention import measure, summary

    figures = measure(load_bundle(bundle), data, fold)
    _write(json, figures)
    sys.stdout.write(summary(figures))


@app.command()
def quality(
    data: Data,
    folds: Folds,
    json: Json,
    n: Annotated[int, Option("--n", help="ECGs drawn")] = 300,
) -> None:
    """Measure the warnings of poor recordings, on ordinary and spoiled ECGs."""
    from training.measure.quality import measure, summary

    figures = measure(data, folds, n)
    _write(json, figures)
    sys.stdout.write(summary(figures))


@app.command()
def card(
    bundle: Bundle,
    faithfulness: Annotated[Path | None, Option(help="of this bundle")] = None,
    baseline_faithfulness: Annotated[
        Path | None, Option(help="of the published rule's bundle")
    ] = None,
    abstention: Annotated[Path | None, Option(help="of this bundle")] = None,
    ablations: Annotated[Path | None, Option(help="what each rule costs or gains")] = None,
    evaluation: Annotated[list[Path] | None, Option(help="of this bundle, one a fold")] = None,
) -> None:
    """Add measurements to a bundle's model card."""
    from protoecg.bundle import load_bundle
    from training.measure.card import add

    files = {
        "faithfulness": faithfulness,
        "baseline_faithfulness": baseline_faithfulness,
        "abstention": abstention,
        "ablations": ablations,
    }
    parts = add(load_bundle(bundle), files, evaluation or [])
    sys.stdout.write(f"The card of {bundle} holds: {', '.join(parts) or 'nothing'}\n")


@app.command()
def neighbours(
    bundle: Bundle, data: Annotated[Path, Option(help="that it was trained on")]
) -> None:
    """Index a bundle's training ECGs, so that the nearest can be shown."""
    from protoecg.bundle import load_bundle
    from protoecg.evidence.neighbours import NUMBERS
    from training.neighbours import index

    ecgs = index(load_bundle(bundle), data)
    size_mb = (bundle / NUMBERS).stat().st_size / 1e6
    sys.stdout.write(f"The index of {bundle}: {len(ecgs)} ECGs, {size_mb:.1f} MB\n")


@app.command()
def audit(
    bundle: Bundle,
    data: Data,
    csv: Annotated[Path, Option("--csv", help="file for the list")],
    most: Annotated[int, Option(help="labels to list")] = 1000,
) -> None:
    """Rank labels that may be wrong, by the training ECGs of other patients."""
    from protoecg.bundle import load_bundle
    from protoecg.spreadsheet import harmless
    from training.measure.audit import audit

    found = audit(load_bundle(bundle), data).head(most)
    found.assign(report=found["report"].map(harmless)).to_csv(csv, index=False)
    sys.stdout.write(f"{len(found)} doubtful labels in {csv}.\n")


@app.command()
def recall(
    bundle: Bundle,
    data: Data,
    fold: Annotated[int, Option(help="of the patients' ECGs")],
    json: Json,
    n: Annotated[int, Option("--n", help="windows drawn")] = 200,
    branch: Literal["rhythm", "morphology", "global"] = "morphology",
) -> None:
    """Measure what that index misses and rounds."""
    from protoecg.bundle import load_bundle
    from training.measure.recall import recall, summary

    figures = recall(load_bundle(bundle), data, fold, n, branch)
    _write(json, figures)
    sys.stdout.write(summary(figures))


@app.command()
def cases(
    bundle: Annotated[Path, Option(help="whose study it is")],
    data: Data,
    folds: Folds,
    out: Annotated[Path, Option(help="JSON file for a study's cases")],
    other: Annotated[Path | None, Option(help="the bundle that pairs compare it with")] = None,
    matches: Annotated[int, Option(help="how many")] = 0,
    pairs: Annotated[int, Option(help="how many")] = 0,
    readings: Annotated[int, Option(help="how many")] = 0,
    seed: Annotated[int, Option(help="the same seed draws the same ones")] = 0,
) -> None:
    """Draw patients' ECGs for a reader study."""
    from protoecg.bundle import load_bundle
    from training.cases import Numbers, cases, refuse_trained_on
    from training.data import ptbxl

    studied, compared = load_bundle(bundle), load_bundle(other) if other else None
    dataset = ptbxl.load(data).folds(folds)
    for each in (studied, compared) if compared else (studied,):
        refuse_trained_on(each, dataset)
    drawn = cases(studied, dataset, Numbers(matches, pairs, readings), other=compared, seed=seed)
    _write(out, drawn)
    counts = ", ".join(f"{len(of_kind)} {kind}" for kind, of_kind in drawn.items())
    sys.stdout.write(f"{out}: {counts}\n")


@app.command()
def ludb(data: Annotated[Path, Option(help="folder of the unpacked LUDB")], json: Json) -> None:
    """Compare the measurements with LUDB's experts."""
    from training.measure.ludb import evaluate, summary

    figures = evaluate(data)
    _write(json, figures)
    sys.stdout.write(summary(figures))


def _device(name: str) -> torch.device:
    import torch

    auto = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(auto if name == "auto" else name)


def _write(file: Path, figures: Any) -> None:
    write_json(file, figures)


if __name__ == "__main__":
    sys.exit(main())
