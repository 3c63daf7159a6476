"""`python -m benchmarks`: ours against a plain build of the published networks, in one run.

`python -m benchmarks sitting`: how long a reviewer of a study waits for the next item.

`python -m benchmarks drawing`: how long a browser draws an ECG, against plain lines.

`python -m benchmarks reading`: what the process of its own costs in which a file is read.

`python -m benchmarks load`: how long people wait for an explanation while batches run.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
import torch

from benchmarks import ours, published
from protoecg.bundle import Bundle
from protoecg.explain import explain
from protoecg.network import projection
from protoecg.network.protoecgnet import ProtoECGNet
from protoecg.signals import model_input
from protoecg.simulate import CODES, simulate
from training.fit.loop import autocast
from training.fit.stages import assignment

BATCH = 16


def main() -> int:
    """Measure what is asked for, and print it."""
    args = _arguments()
    if args.what == "sitting":
        return _sitting(args.json)
    if args.what == "reading":
        return _reading(args)
    if args.what == "load":
        return _under_load(args)
    return _drawing(args) if args.what == "drawing" else _networks(args)


def _sitting(file: Path | None) -> int:
    # What it needs of a browser is not installed where only the networks are timed.
    from benchmarks import sitting

    print(f"Key to next item of a study, against loading the page; {_machine()}.")
    print(f"Load before: {_load()}.\n")
    times = sitting.measure()
    print(f"{'':14}{'median':>10}{'95 % in':>11}{'page':>12}{'ratio':>9}   items")
    figures = {"all": _waits(times)}
    figures |= {str(kind): _waits(rows) for kind, rows in times.groupby("kind")}
    for kind, f in figures.items():
        saved = f"{f['saved_p50_ms']:7.0f} ms{f['saved_p95_ms']:8.0f} ms"
        loaded = f"{f['loaded_p50_ms']:9.0f} ms{f['ratio']:8.1f}x"
        print(f"{kind:14}{saved}{loaded}   {f['items']}")
    print(f"\nLoad after: {_load()}.")
    if file:
        file.write_text(json.dumps({"machine": _machine(), "kinds": figures}, indent=1) + "\n")
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
        figures = {"machine": _machine(), "files": medians.to_dict(orient="index")}
        args.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


def _under_load(args: argparse.Namespace) -> int:
    from benchmarks import load

    batches = f"{load.ARCHIVES} batches of {load.ECGS}"
    print(f"{load.PEOPLE} people explain while {batches} run; {_machine()}.")
    print(f"Load before: {_load()}.\n")
    waits, progress = load.measure(args.minutes)
    ms = waits["wait_ms"]
    print(
        f"{len(ms)} explanations: median {ms.median():.0f} ms, 95 % in {ms.quantile(0.95):.0f} ms, "
        f"worst {ms.max():.0f} ms"
    )
    for done, total in progress.itertuples(index=False):
        print(f"batch: {done} of {total} ECGs meanwhile")
    print(f"\nLoad after: {_load()}.")
    if args.json:
        figures = {
            "machine": _machine(),
            "waits_ms": [round(wait) for wait in ms],
            "batches": progress.to_dict(orient="records"),
        }
        args.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


def _drawing(args: argparse.Namespace) -> int:
    from benchmarks import drawing

    print(f"12 leads of 10 s at {drawing.RATE} Hz, drawn and toggled in Chromium; {_machine()}.")
    print(f"Load before: {_load()}.\n")
    print(f"{'':20}{'median':>10}{'95 % in':>11}{'painted':>12}{'95 % in':>11}   repeats")
    figures = {}
    for task, rows in drawing.measure(args.repeats).groupby("task", sort=False):
        quantiles = rows[["plotted_ms", "painted_ms"]].quantile([0.5, 0.95])
        figures[str(task)] = {
            f"{what}_p{share:.0f}_ms": quantiles.loc[share / 100, f"{what}_ms"]
            for what in ("plotted", "painted")
            for share in (50, 95)
        }
        told = "".join(f"{ms:8.0f} ms" if ms == ms else "" for ms in figures[str(task)].values())
        print(f"{task:19}{told:44}   {len(rows)}")
    print(f"\nLoad after: {_load()}.")
    if args.json:
        about = {"machine": _machine(), "tasks": figures}
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
    figures = {}
    for task, pair, repeats in _tasks(bundle, args.ecgs, args.repeats):
        mine, theirs = _interleaved(pair, repeats)
        figures[task] = {"ours_s": mine, "theirs_s": theirs, "ratio": theirs / mine}
        print(
            f"{task:22}{1e3 * mine:9.1f} ms{1e3 * theirs:9.1f} ms{theirs / mine:8.1f}x   {repeats}"
        )
    if args.json:
        about = {"ours": words, "threads": args.threads, "machine": _machine()}
        args.json.write_text(json.dumps({**about, "tasks": figures}, indent=1) + "\n")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "what",
        nargs="?",
        choices=["networks", "sitting", "drawing", "reading", "load"],
        default="networks",
    )
    parser.add_argument("--network", choices=["auto", "ptbxl", "demo", "random"], default="auto")
    parser.add_argument("--ecgs", type=int, default=256, help="ECGs to project onto (default 256)")
    parser.add_argument("--repeats", type=int, default=15, help="of the short tasks (default 15)")
    parser.add_argument("--threads", type=int, default=1, help="for PyTorch (default 1)")
    parser.add_argument("--minutes", type=float, default=3.0, help="under load (default 3)")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    return parser.parse_args()


Pair = tuple[Callable[[], Any], Callable[[], Any]]


def _tasks(bundle: Bundle, n: int, repeats: int) -> list[tuple[str, Pair, int]]:
    ecg = simulate(["AFIB"], seed=1, rate=500).ecg
    strips = [simulate([CODES[i % len(CODES)]], seed=i).ecg for i in range(n)]
    x = np.stack([model_input(strip) for strip in strips])
    theirs = published.Published().eval()
    sources = np.stack([x[i % n][:, 300 : 300 + published.SHOWN_SAMPLES] for i in range(1037)])
    return [
        ("inference, one ECG", _inference(bundle, theirs, torch.from_numpy(x[:1])), repeats),
        (
            "explanation, one ECG",
            (
                lambda: explain(ecg, bundle),
                lambda: published.explain(
                    theirs, torch.from_numpy(model_input(ecg))[None], sources
                ),
            ),
            repeats,
        ),
        (f"projection, {n} ECGs", _projection(bundle, theirs, x), 3),
        (f"training, {BATCH} ECGs", _training(bundle, theirs, x), max(repeats // 3, 3)),
    ]


def _inference(bundle: Bundle, theirs: published.Published, x: torch.Tensor) -> Pair:
    return _no_gradient(lambda: bundle.network(x)), _no_gradient(lambda: theirs(x))


def _no_gradient(call: Callable[[], Any]) -> Callable[[], Any]:
    return torch.inference_mode()(call)


def _projection(bundle: Bundle, theirs: published.Published, x: np.ndarray) -> Pair:
    network, theirs = copy.deepcopy(bundle.network), copy.deepcopy(theirs)
    y = _labels(len(x), published.STATEMENTS)
    patients = np.arange(len(x))

    def batches() -> list[torch.Tensor]:
        return list(torch.from_numpy(x).split(64))

    def mine() -> None:
        for joint, own in ours.joints(network, y[:, : len(network.statements)]):
            found = projection.project(
                joint.branch, batches(), assignment(joint.branch.shape.owners), own, patients
            )
            projection.embed(joint.branch, projection.crop(joint.branch, x, found))

    return _no_gradient(mine), lambda: published.project(theirs, batches(), y)


def _training(bundle: Bundle, theirs: published.Published, x: np.ndarray) -> Pair:
    """One step of joint training of all branches as `fit` takes it; theirs as plain as they are.

    Members are trained one at a time, so each branch is one here. Theirs is in single precision and
    without the prototype losses.
    """
    shapes = {n: replace(b.shape, members=1) for n, b in bundle.network.branches.items()}
    network = ProtoECGNet(shapes, bundle.statements).train()
    theirs = copy.deepcopy(theirs).train()
    batch, y = torch.from_numpy(x[:BATCH]), _labels(BATCH, published.STATEMENTS)
    joints = ours.joints(network, y[:, : len(network.statements)])
    mine_step = torch.optim.AdamW(network.parameters(), 1e-4)
    their_step = torch.optim.AdamW(theirs.parameters(), 1e-4)

    def mine() -> None:
        mine_step.zero_grad()
        for joint, own in joints:
            with autocast(batch.device):
                loss = joint.loss(batch, own, targets=own)
            loss.backward()
        mine_step.step()

    def other() -> None:
        their_step.zero_grad()
        logits = theirs(batch)[1]
        torch.nn.functional.binary_cross_entropy_with_logits(logits, y).backward()
        their_step.step()

    return mine, other


def _labels(n: int, statements: int) -> torch.Tensor:
    """Draw a tenth of all, with enough of each statement for its prototypes."""
    labels = (torch.rand(n, statements, generator=torch.Generator().manual_seed(0)) < 0.1).float()
    for statement in range(statements):
        labels[(statement * 7 + torch.arange(20)) % n, statement] = 1.0
    return labels


def _interleaved(pair: Pair, repeats: int) -> tuple[float, float]:
    """Median seconds of each; what slows the machine down for a while slows both."""
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(repeats + 1):
        for call, taken in zip(pair, times, strict=True):
            begun = time.perf_counter()
            call()
            if turn:
                taken.append(time.perf_counter() - begun)
    return median(times[0]), median(times[1])


def _machine() -> str:
    return f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}"


if __name__ == "__main__":
    sys.exit(main())
