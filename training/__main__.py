"""`python -m training`: from PTB-XL to a trained bundle, and what it is worth."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from protoecg.labels import BRANCHES

if TYPE_CHECKING:
    import torch

CONFIGS = Path(__file__).parent / "configs"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; bad input gets one line on standard error."""
    from protoecg.bundle import BundleError
    from protoecg.card.document import CardError
    from protoecg.ecg import ECGError
    from protoecg.evidence.neighbours import NeighboursError
    from training.data.download import DownloadError
    from training.data.ptbxl import DataError
    from training.fit.config import ConfigError

    args = _parser().parse_args(arguments)
    try:
        args.run(args)
    except (
        BundleError,
        CardError,
        ConfigError,
        DataError,
        DownloadError,
        ECGError,
        NeighboursError,
        OSError,
    ) as error:
        sys.stderr.write(f"{' '.join(str(error).split())}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Stopped. Run the same command again to go on from here.\n")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    download = commands.add_parser("download", help="get PTB-XL from PhysioNet; resumes")
    download.add_argument("dir", type=Path, help="folder to put it in, such as data/ptbxl")
    download.set_defaults(run=_download)

    simulate = commands.add_parser("simulate", help="write simulated ECGs in PTB-XL's layout")
    simulate.add_argument("dir", type=Path)
    simulate.add_argument("--n", type=int, default=2000, help="number of ECGs (default 2000)")
    simulate.add_argument("--seed", type=int, default=0)
    simulate.set_defaults(run=_simulate)

    fit = commands.add_parser("fit", help="train a bundle; resumes where it was stopped")
    fit.add_argument("--data", type=Path, required=True, help="PTB-XL, or a set in its layout")
    fit.add_argument("--out", type=Path, required=True, help="folder of the bundle")
    fit.add_argument("--config", type=Path, default=CONFIGS / "ptbxl.toml", help="TOML settings")
    fit.add_argument("--work", type=Path, help="checkpoints and log (default runs/<bundle>)")
    fit.add_argument("--device", default="auto", help="cpu, cuda, or auto (the default)")
    fit.add_argument(
        "--processes", type=int, default=1, help="train branches side by side (default 1)"
    )
    fit.set_defaults(run=_fit)

    ablations = commands.add_parser("ablations", help="what each rule costs or gains")
    ablations.add_argument("--data", type=Path, required=True)
    ablations.add_argument("--work", type=Path, required=True, help="checkpoints and bundles")
    ablations.add_argument("--configs", type=Path, default=CONFIGS / "ablations")
    ablations.add_argument("--fold", type=int, default=9, help="to measure on (default 9)")
    ablations.add_argument("--device", default="auto", help="cpu, cuda, or auto (the default)")
    ablations.add_argument("--json", type=Path, required=True, help="file for the figures")
    ablations.set_defaults(run=_ablations)

    tune = commands.add_parser("tune", help="search for settings by the validation figure; resumes")
    tune.add_argument("--data", type=Path, required=True, help="PTB-XL, or a set in its layout")
    tune.add_argument("--config", type=Path, required=True, help="TOML settings to start from")
    tune.add_argument("--branch", help="vary its own settings (default: those that all share)")
    tune.add_argument("--trials", type=int, required=True, help="how many, beside those given")
    tune.add_argument("--work", type=Path, required=True, help="trials, and best.toml at the end")
    tune.add_argument("--device", default="auto", help="cpu, cuda, or auto (the default)")
    tune.set_defaults(run=_tune)

    evaluate = commands.add_parser("evaluate", help="measure a bundle on a fold")
    evaluate.add_argument("--bundle", type=Path, required=True)
    evaluate.add_argument("--data", type=Path, required=True)
    evaluate.add_argument("--fold", type=int, required=True)
    evaluate.add_argument("--json", type=Path, required=True, help="file for the figures")
    evaluate.add_argument(
        "--compare", type=Path, metavar="BUNDLE", help="also test which of the two ranks better"
    )
    evaluate.set_defaults(run=_evaluate)

    faithfulness = commands.add_parser(
        "faithfulness", help="measure whether a bundle's explanations are true"
    )
    faithfulness.add_argument("--bundle", type=Path, required=True)
    faithfulness.add_argument("--data", type=Path, required=True)
    faithfulness.add_argument(
        "--data500", type=Path, help="folder that holds records500 (default: --data)"
    )
    faithfulness.add_argument("--fold", type=int, required=True)
    faithfulness.add_argument("--json", type=Path, required=True, help="file for the figures")
    faithfulness.set_defaults(run=_faithfulness)

    abstention = commands.add_parser(
        "abstention", help="measure how often a bundle abstains, from ordinary and spoiled ECGs"
    )
    abstention.add_argument("--bundle", type=Path, required=True)
    abstention.add_argument("--data", type=Path, required=True)
    abstention.add_argument("--fold", type=int, required=True)
    abstention.add_argument("--json", type=Path, required=True, help="file for the figures")
    abstention.set_defaults(run=_abstention)

    quality = commands.add_parser(
        "quality", help="measure the warnings of poor recordings, on ordinary and spoiled ECGs"
    )
    quality.add_argument("--data", type=Path, required=True)
    quality.add_argument("--fold", type=int, required=True, action="append", help="one or more")
    quality.add_argument("--n", type=int, default=300, help="ECGs drawn (default 300)")
    quality.add_argument("--json", type=Path, required=True, help="file for the figures")
    quality.set_defaults(run=_quality)

    card = commands.add_parser("card", help="add measurements to a bundle's model card")
    card.add_argument("--bundle", type=Path, required=True)
    card.add_argument("--faithfulness", type=Path, help="of this bundle")
    card.add_argument("--baseline-faithfulness", type=Path, help="of the published rule's bundle")
    card.add_argument("--abstention", type=Path, help="of this bundle")
    card.add_argument("--ablations", type=Path, help="what each rule costs or gains")
    card.add_argument(
        "--evaluation", type=Path, action="append", default=[], help="of this bundle, one a fold"
    )
    card.set_defaults(run=_card)

    neighbours = commands.add_parser(
        "neighbours", help="index a bundle's training ECGs, so that the nearest can be shown"
    )
    neighbours.add_argument("--bundle", type=Path, required=True)
    neighbours.add_argument("--data", type=Path, required=True, help="that it was trained on")
    neighbours.set_defaults(run=_neighbours)

    recall = commands.add_parser("recall", help="measure what that index misses and rounds")
    recall.add_argument("--bundle", type=Path, required=True)
    recall.add_argument("--data", type=Path, required=True)
    recall.add_argument("--fold", type=int, required=True, help="of the patients' ECGs")
    recall.add_argument("--n", type=int, default=200, help="windows drawn (default 200)")
    recall.add_argument("--branch", choices=BRANCHES, default="morphology")
    recall.add_argument("--json", type=Path, required=True, help="file for the figures")
    recall.set_defaults(run=_recall)

    cases = commands.add_parser("cases", help="draw patients' ECGs for a reader study")
    cases.add_argument("--bundle", type=Path, required=True, help="whose study it is")
    cases.add_argument("--other", type=Path, help="the bundle that pairs compare it with")
    cases.add_argument("--data", type=Path, required=True)
    cases.add_argument("--fold", type=int, required=True, action="append", help="one or more")
    for kind in ("matches", "pairs", "readings"):
        cases.add_argument(f"--{kind}", type=int, default=0, help="how many (default 0)")
    cases.add_argument("--seed", type=int, default=0, help="the same seed draws the same ones")
    cases.add_argument("--out", type=Path, required=True, help="JSON file for a study's cases")
    cases.set_defaults(run=_cases)

    ludb = commands.add_parser("ludb", help="compare the measurements with LUDB's experts")
    ludb.add_argument("--data", type=Path, required=True, help="folder of the unpacked LUDB")
    ludb.add_argument("--json", type=Path, required=True, help="file for the figures")
    ludb.set_defaults(run=_ludb)
    return parser


def _download(args: argparse.Namespace) -> None:
    from training.data.download import download

    download(args.dir)


def _simulate(args: argparse.Namespace) -> None:
    from training.data.simulated import write_dataset

    write_dataset(args.dir, args.n, args.seed)


def _device(name: str) -> torch.device:
    import torch

    auto = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(auto if name == "auto" else name)


def _fit(args: argparse.Namespace) -> None:
    from training.fit.config import read_config
    from training.fit.run import Fit

    config = read_config(args.config)
    work = args.work or Path("runs") / args.out.name
    fit = Fit(config, args.data, work, _device(args.device))
    if args.processes > 1:
        fit.side_by_side(args.processes)
    fit.run(args.out)


def _ablations(args: argparse.Namespace) -> None:
    from training.search.ablations import ablations, table

    told = ablations(args.configs, args.data, args.work, args.fold, _device(args.device))
    args.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(table(told))


def _tune(args: argparse.Namespace) -> None:
    from training.fit.config import read_config
    from training.search.tune import Search, summary

    config = read_config(args.config)
    search = Search(config, args.data, args.work, _device(args.device), args.branch)
    sys.stdout.write(f"{summary(search.run(args.trials))}\n")


def _evaluate(args: argparse.Namespace) -> None:
    from protoecg.bundle import load_bundle
    from training.measure.evaluate import evaluate, summary

    other = load_bundle(args.compare) if args.compare else None
    figures = evaluate(load_bundle(args.bundle), args.data, args.fold, other)
    args.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(summary(figures))


def _faithfulness(args: argparse.Namespace) -> None:
    from protoecg.bundle import load_bundle
    from training.measure.faithfulness import faithfulness, table

    fast = args.data500 or args.data
    figures = faithfulness(load_bundle(args.bundle), args.data, args.fold, fast)
    args.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(f"{figures['n']} ECGs of fold {args.fold}\n\n{table(figures)}\n")


def _cases(args: argparse.Namespace) -> None:
    from protoecg.bundle import load_bundle
    from training.cases import Numbers, cases, refuse_trained_on
    from training.data import ptbxl

    bundle, other = load_bundle(args.bundle), load_bundle(args.other) if args.other else None
    dataset = ptbxl.load(args.data).folds(args.fold)
    for each in (bundle, other) if other else (bundle,):
        refuse_trained_on(each, dataset)
    numbers = Numbers(args.matches, args.pairs, args.readings)
    drawn = cases(bundle, dataset, numbers, other=other, seed=args.seed)
    args.out.write_text(json.dumps(drawn, indent=1) + "\n", encoding="utf-8")
    told = ", ".join(f"{len(of_kind)} {kind}" for kind, of_kind in drawn.items())
    sys.stdout.write(f"{args.out}: {told}\n")


def _neighbours(args: argparse.Namespace) -> None:
    from protoecg.bundle import load_bundle
    from protoecg.evidence.neighbours import NUMBERS
    from training.neighbours import index

    bundle = load_bundle(args.bundle)
    ecgs = index(bundle, args.data)
    size_mb = (bundle.path / NUMBERS).stat().st_size / 1e6
    sys.stdout.write(f"The index of {args.bundle}: {len(ecgs)} ECGs, {size_mb:.1f} MB\n")


def _recall(args: argparse.Namespace) -> None:
    from protoecg.bundle import load_bundle
    from training.measure.recall import recall, summary

    figures = recall(load_bundle(args.bundle), args.data, args.fold, args.n, args.branch)
    args.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(summary(figures))


def _ludb(args: argparse.Namespace) -> None:
    from training.measure.ludb import evaluate, summary

    figures = evaluate(args.data)
    args.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(summary(figures))


def _card(args: argparse.Namespace) -> None:
    from protoecg.bundle import load_bundle
    from training.measure.card import OF_ONE_FILE, add

    files = {name: getattr(args, name) for name in OF_ONE_FILE}
    card = add(load_bundle(args.bundle), files, args.evaluation)
    sys.stdout.write(f"The card of {args.bundle} holds: {', '.join(card) or 'nothing'}\n")


def _abstention(args: argparse.Namespace) -> None:
    from protoecg.bundle import load_bundle
    from training.measure.abstention import measure, summary

    figures = measure(load_bundle(args.bundle), args.data, args.fold)
    args.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(summary(figures))


def _quality(args: argparse.Namespace) -> None:
    from training.measure.quality import measure, summary

    figures = measure(args.data, args.fold, args.n)
    args.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(summary(figures))


if __name__ == "__main__":
    sys.exit(main())
