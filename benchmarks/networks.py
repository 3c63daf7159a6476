"""What is timed of the networks: ours beside a plain build of the published ones."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np
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

Pair = tuple[Callable[[], Any], Callable[[], Any]]


def tasks(bundle: Bundle, n: int, repeats: int) -> list[tuple[str, Pair, int]]:
    """Return each task by name: ours and theirs, and how often to repeat them."""
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
            seen = projection.best_windows(joint.branch, batches())
            owned = assignment(joint.branch.shape.owners)
            found = projection.assign(seen, owned, own, patients)
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


def interleaved(pair: Pair, repeats: int) -> tuple[float, float]:
    """Return the median seconds of each; what slows the machine down for a while slows both."""
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(repeats + 1):
        for call, taken in zip(pair, times, strict=True):
            begun = time.perf_counter()
            call()
            if turn:
                taken.append(time.perf_counter() - begun)
    return median(times[0]), median(times[1])
