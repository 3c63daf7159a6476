"""`python -m training`: from PTB-XL to a trained bundle, and what it is worth."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

CONFIGS = Path(__file__).parent / "configs"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; bad input gets one line on standard error."""
    from protoecg.bundle import BundleError
    from protoecg.ecg import ECGError
    from training.config import ConfigError
    from training.download import DownloadError
    from training.ptbxl import DataError

    args = _parser().parse_args(arguments)
    try:
        args.run(args)
    except (BundleError, ConfigError, DataError, DownloadError, ECGError, OSError) as error:
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
        "--only", metavar="BRANCH", help="train one branch and stop: run one process a branch"
    )
    fit.set_defaults(run=_fit)

    evaluate = commands.add_parser("evaluate", help="measure a bundle on a fold")
    evaluate.add_argument("--bundle", type=Path, required=True)
    evaluate.add_argument("--data", type=Path, required=True)
    evaluate.add_argument("--fold", type=int, required=True)
    evaluate.add_argument("--json", type=Path, required=True, help="file for the figures")
    evaluate.set_defaults(run=_evaluate)
    return parser


def _download(args: argparse.Namespace) -> None:
    from training.download import download

    download(args.dir)


def _simulate(args: argparse.Namespace) -> None:
    from training.simulated import write_dataset

    write_dataset(args.dir, args.n, args.seed)


def _fit(args: argparse.Namespace) -> None:
    import torch

    from training.config import ConfigError, read_config
    from training.fit import Fit

    config = read_config(args.config)
    if args.only and args.only not in config.branches:
        raise ConfigError(f"No branch {args.only!r} in {args.config}.")
    auto = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(auto if args.device == "auto" else args.device)
    fit = Fit(config, args.data, args.work or Path("runs") / args.out.name, device)
    if args.only:
        fit.branch(args.only)
    else:
        fit.run(args.out)


def _evaluate(args: argparse.Namespace) -> None:
    from protoecg.bundle import load_bundle
    from training.evaluate import evaluate

    figures = evaluate(load_bundle(args.bundle), args.data, args.fold)
    args.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write(
        f"{figures['n']} ECGs of fold {args.fold}: macro AUROC {figures['macro_auroc']:.4f}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
