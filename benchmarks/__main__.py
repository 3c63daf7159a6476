"""`python -m benchmarks`: ours against a plain build of the published networks, in one run.

`python -m benchmarks sitting`: how long a reviewer of a study waits for the next item.

`python -m benchmarks drawing`: how long a browser draws an ECG, against plain lines.

`python -m benchmarks pages`: how long a reader waits for a page, against what was promised.

`python -m benchmarks reading`: what the process of its own costs in which a file is read.

`python -m benchmarks batch`: how many ECGs a second `protoecg batch` explains.

`python -m benchmarks load`: how long people wait for an explanation while batches run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict
from pathlib import Path

import pandas as pd
import torch

from benchmarks import networks, ours


def main() -> int:
    """Measure what is asked for, and print it."""
    args = _arguments()
    if args.what == "sitting":
        return _sitting(args.json)
    if args.what == "reading":
        return _reading(args)
    if args.what == "pages":
        return _pages(args.json)
    if args.what == "load":
        return _under_load(args)
    if args.what == "batch":
        return _batch(args)
    return _drawing(args) if args.what == "drawing" else _networks(args)


def _sitting(file: Path | None) -> int:
    # What it needs of a browser is not installed where only the networks are timed.
    from benchmarks import sitting

    print(f"Key to next item of a study, against loading the page; {_machine()}.")
    print(f"Load before: {_load()}.\n")
    times = sitting.measure()
    print(f"{'':14}{'median':>10}{'95 % in':>11}{'page':>12}{'ratio':>9}   items")
    results = {"all": _waits(times)}
    results |= {str(kind): _waits(rows) for kind, rows in times.groupby("kind")}
    for kind, f in results.items():
        saved = f"{f['saved_p50_ms']:7.0f} ms{f['saved_p95_ms']:8.0f} ms"
        loaded = f"{f['loaded_p50_ms']:9.0f} ms{f['ratio']:8.1f}x"
        print(f"{kind:14}{saved}{loaded}   {f['items']}")
    print(f"\nLoad after: {_load()}.")
    if file:
        file.write_text(json.dumps({"machine": _machine(), "kinds": results}, indent=1) + "\n")
    return 0


def _pages(file: Path | None) -> int:
    from benchmarks import pages

    print(f"What a reader waits for, in Chromium and on the server; {_machine()}.")
    print(f"Load before: {_load()}.\n")
    results = {}
    for what, goal_s, taken_s in pages.measure():
        results[what] = {"s": taken_s, "goal_s": goal_s}
        print(f"{what:44}{taken_s:8.2f} s{goal_s:8.2f} s promised", flush=True)
    print(f"\nLoad after: {_load()}.")
    if file:
        file.write_text(json.dumps({"machine": _machine(), "waits": results}, indent=1) + "\n")
    return 0


def _waits(times: pd.DataFrame) -> dict[str, float]:
    saved, loaded = times["saved_ms"], times["loaded_ms"]
    return {
        "saved_p50_ms": saved.median(),
        "saved_p95_ms": saved.quantile(0.95),
        "loaded_p50_ms": loaded.median(),
        "ratio": (loaded / saved).median(),
        "items": len(times),
    }


def _reading(args: argparse.Namespace) -> int:
    from benchmarks import reading

    print(f"A file read in a process of its own, against in this one; {_machine()}.")
    print(f"Load before: {_load()}.\n")
    medians = reading.measure(args.repeats).groupby("file").median()
    for name, times in medians.iterrows():
        print(
            f"{name:6}{times['here_ms']:7.1f} ms here{times['apart_ms']:8.1f} ms apart"
            f"{times['cost_ms']:8.1f} ms more"
        )
    print(f"\nLoad after: {_load()}.")
    if args.json:
        results = {"machine": _machine(), "files": medians.to_dict(orient="index")}
        args.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0


def _under_load(args: argparse.Namespace) -> int:
    from benchmarks import load

    batches = f"{load.ARCHIVES} batches of {load.ECGS}"
    print(f"{load.PEOPLE} people explain while {batches} run; {_machine()}.")
    print(f"Load before: {_load()}.\n")
    waits, explained = load.measure(args.minutes)
    ms = waits["wait_ms"]
    print(
        f"{len(ms)} explanations: median {ms.median():.0f} ms, 95 % in {ms.quantile(0.95):.0f} ms, "
        f"worst {ms.max():.0f} ms"
    )
    print(f"batches: {' and '.join(map(str, explained))} ECGs meanwhile")
    print(f"\nLoad after: {_load()}.")
    if args.json:
        results = {
            "machine": _machine(),
            "waits_ms": [round(wait) for wait in ms],
            "explained": explained,
        }
        args.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0


def _batch(args: argparse.Namespace) -> int:
    from benchmarks import batches

    bundle, words = ours.bundle(args.network)
    print(f"{args.ecgs:,} ECGs with findings, matches and measurements by {words}; {_machine()}.")
    print(f"Load before: {_load()}.\n")
    runs = dict(
        zip((1, args.jobs), batches.measure(bundle.path, args.ecgs, args.jobs), strict=True)
    )
    for jobs, run in runs.items():
        ratio = run.ecgs_per_s / runs[1].ecgs_per_s
        print(
            f"--jobs {jobs:<3}{run.ecgs_per_s:8.1f} ECGs/s{ratio:7.2f}x{run.whole_s:8.0f} s in all"
            f"{run.cpu_ms:7.1f} ms of CPU each"
            f"{run.first_mb:8.0f} MB at first{run.last_mb:7.0f} MB at last"
        )
    print(f"\nLoad after: {_load()}.")
    if args.json:
        figures_of_runs = {str(jobs): asdict(run) for jobs, run in runs.items()}
        results = {"machine": _machine(), "ecgs": args.ecgs, "jobs": figures_of_runs}
        args.json.write_text(json.dumps(results, indent=1) + "\n")
    return 0


def _drawing(args: argparse.Namespace) -> int:
    from benchmarks import drawing

    print(f"12 leads of 10 s at {drawing.RATE} Hz, drawn and toggled in Chromium; {_machine()}.")
    print(f"Load before: {_load()}.\n")
    print(f"{'':20}{'median':>10}{'95 % in':>11}{'painted':>12}{'95 % in':>11}   repeats")
    results = {}
    for task, rows in drawing.measure(args.repeats).groupby("task", sort=False):
        quantiles = rows[["plotted_ms", "painted_ms"]].quantile([0.5, 0.95])
        results[str(task)] = {
            f"{what}_p{share:.0f}_ms": quantiles.loc[share / 100, f"{what}_ms"]
            for what in ("plotted", "painted")
            for share in (50, 95)
        }
        columns = "".join(f"{ms:8.0f} ms" if ms == ms else "" for ms in results[str(task)].values())
        print(f"{task:19}{columns:44}   {len(rows)}")
    print(f"\nLoad after: {_load()}.")
    if args.json:
        about = {"machine": _machine(), "tasks": results}
        args.json.write_text(json.dumps(about, indent=1) + "\n")
    return 0


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f} processes at work"


def _networks(args: argparse.Namespace) -> int:
    """Time each task on both, alternating, and print the medians and their ratio."""
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    bundle, words = ours.bundle(args.network)
    print(f"Ours: {words}, {len(bundle.prototypes)} prototypes.")
    print("Theirs: the published networks in plain PyTorch, 1037 prototypes, random weights.")
    print(f"{args.threads} thread(s), {args.ecgs} simulated ECGs, {_machine()}.\n")
    print(f"{'':22}{'ours':>12}{'theirs':>12}{'ratio':>9}   repeats")
    results = {}
    for task, pair, repeats in networks.tasks(bundle, args.ecgs, args.repeats):
        mine, theirs = networks.interleaved(pair, repeats)
        results[task] = {"ours_s": mine, "theirs_s": theirs, "ratio": theirs / mine}
        print(
            f"{task:22}{1e3 * mine:9.1f} ms{1e3 * theirs:9.1f} ms{theirs / mine:8.1f}x   {repeats}"
        )
    if args.json:
        about = {"ours": words, "threads": args.threads, "machine": _machine()}
        args.json.write_text(json.dumps({**about, "tasks": results}, indent=1) + "\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        choices=["networks", "sitting", "drawing", "pages", "reading", "load", "batch"],
        default="networks",
    )
    parser.add_argument("--network", choices=["auto", "ptbxl", "demo", "random"], default="auto")
    parser.add_argument("--ecgs", type=int, default=256, help="ECGs to project onto, or of a batch")
    parser.add_argument("--repeats", type=int, default=15, help="of the short tasks (default 15)")
    parser.add_argument("--threads", type=int, default=1, help="for PyTorch (default 1)")
    parser.add_argument("--minutes", type=float, default=3.0, help="under load (default 3)")
    parser.add_argument("--jobs", type=int, default=2, help="processes of a batch (default 2)")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    return parser.parse_args()


def _machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}"


if __name__ == "__main__":
    sys.exit(main())
