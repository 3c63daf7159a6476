"""Epochs over shuffled ECGs that can be killed at any point."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from protoecg.ecg import LEADS
from protoecg.signals import MODEL_RATE
from protoecg.storage.files import atomic_write
from training import kept
from training.fit import ranks
from training.fit.config import Config

Tensors = tuple[Tensor, ...] | list[Tensor]

AVERAGING = 0.999
PART, PART_OF_DISTORTED = 968, 752


@dataclass(frozen=True)
class Data:
    """ECGs to train on or to predict.

    Parameters
    ----------
    x : model inputs, (n, 12, 1000)
    y : labels, (n, c), 0 or 1
    device : that batches go to
    targets : probabilities that cross-entropy is fitted to, (n, c); the labels if left out
    """

    x: np.ndarray
    y: Tensor
    device: torch.device
    targets: Tensor | None = None
    size: int = 128

    def columns(self, columns: list[int]) -> Data:
        """Return the same ECGs with some of the statements."""
        targets = None if self.targets is None else self.targets[:, columns]
        return replace(self, y=self.y[:, columns], targets=targets)

    def rows(self, rows: Tensor) -> Iterator[Tensor]:
        """Batches of the inputs in `rows`."""
        for part in rows.split(self.size):
            yield torch.from_numpy(self.x[part.cpu().numpy()]).to(self.device)

    def batches(self) -> Iterator[Tensor]:
        """Batches of all inputs, in order."""
        yield from self.rows(torch.arange(len(self.y)))


class State(NamedTuple):
    """All that a checkpoint holds."""

    module: nn.Module
    average: AveragedModel
    optimizer: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler


@dataclass(frozen=True)
class Loop:
    """Runs a module's `loss(x, y, targets)` for some epochs, with a checkpoint after each.

    What remains is the moving average of all weights and batch statistics, which generalises
    better than the last step does. Every epoch draws from a seed of its own, so that a run that
    was killed and resumed ends as one that was not.
    """

    config: Config
    title: str
    checkpoint: Path
    learning_rate: float
    distort: bool = False

    def run(self, module: nn.Module, data: Data, epochs: int) -> None:
        """Train `module` in place, from the last checkpoint if there is one."""
        steps = -(-len(data.y) // self.config.batch)
        state = self._start(module, epochs * steps)
        done = self._resume(state, data.device, epochs)
        if done < epochs:
            curves = self.checkpoint.parent / "curves" / self.checkpoint.stem
            with SummaryWriter(curves, purge_step=done * steps) as writer:
                for epoch in range(done, epochs):
                    seed = f"{self.config.seed} {self.title} {epoch}"
                    torch.manual_seed(zlib.crc32(seed.encode()))
                    self._epoch(state, data, f"{self.title} {epoch + 1}/{epochs}", writer)
                    self._save(state, epoch + 1)
        module.load_state_dict(state.average.module.state_dict())

    def _start(self, module: nn.Module, steps: int) -> State:
        trainable = [p for p in module.parameters() if p.requires_grad]
        decay, rate = self.config.weight_decay, self.learning_rate
        optimizer = torch.optim.AdamW(trainable, rate, weight_decay=decay)
        return State(
            module,
            AveragedModel(module, multi_avg_fn=_moving_average, use_buffers=True),
            optimizer,
            torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=max(steps, 1)),
        )

    def _epoch(self, state: State, data: Data, title: str, curves: SummaryWriter) -> None:
        state.module.train()
        order = torch.randperm(len(data.y))
        parts = [ranks.own_part(rows) for rows in order.split(self.config.batch)]
        batches = (x for rows in parts for x in replace(data, size=len(rows)).rows(rows))
        bar = tqdm(zip(parts, batches, strict=True), title, len(parts), unit="batch", mininterval=2)
        for rows, x in bar:
            loss = self._step(state, data, rows, x)
            bar.set_postfix(loss=f"{loss:.3f}", refresh=False)
            step = state.schedule.last_epoch
            curves.add_scalar("loss", loss, step)
            curves.add_scalar("learning rate", state.schedule.get_last_lr()[0], step)

    def _step(self, state: State, data: Data, rows: Tensor, x: Tensor) -> float:
        device, module = data.device, state.module
        targets = data.y if data.targets is None else data.targets
        with autocast(device):
            loss = module.loss(  # type: ignore[operator]
                augment(x, self.distort), data.y[rows].to(device), targets[rows].to(device)
            )
        state.optimizer.zero_grad()
        loss.backward()
        ranks.agree(module)
        nn.utils.clip_grad_norm_([p for p in module.parameters() if p.requires_grad], 1.0)
        state.optimizer.step()
        state.schedule.step()
        state.average.update_parameters(module)
        return float(loss.item())

    def _resume(self, state: State, device: torch.device, epochs: int) -> int:
        if not self.checkpoint.exists():
            return 0
        with kept.reading(self.checkpoint):
            saved = kept.tensors(self.checkpoint, device)
            done = int(saved["epoch"])
            if not 0 <= done <= epochs:
                raise ValueError(f"it is of epoch {done}, expected 0 to {epochs}")
            for name, part in state._asdict().items():
                part.load_state_dict(saved[name])
            return done

    def _save(self, state: State, epoch: int) -> None:
        parts = {name: part.state_dict() for name, part in state._asdict().items()}
        with atomic_write(self.checkpoint) as file:
            torch.save({"epoch": epoch, **parts}, file)


@torch.no_grad()
def _moving_average(average: Tensors, current: Tensors, seen: Tensor | int) -> None:
    """Move `average` towards `current`, ever more slowly until a memory of 1,000 steps."""
    if average[0].is_floating_point():
        step = max(1 - AVERAGING, 9 / (10 + int(seen)))
        torch._foreach_lerp_(average, current, step)


def augment(x: Tensor, distort: bool) -> Tensor:
    """Vary gain (by a quarter), place and noise, as other electrodes, skins and moments would.

    A part of the strip is kept, so that beats fall anywhere between two cells. With `distort`,
    it is a shorter one, and leads also vary on their own, wander or are lost.
    """
    gain = torch.empty(len(x), 1, 1, device=x.device).uniform_(0.8, 1.25)
    noise = torch.rand(len(x), 1, 1, device=x.device) * 0.03
    x = x * gain + noise * torch.randn_like(x)
    return _part(_distorted(x), PART_OF_DISTORTED) if distort else _part(x, PART)


def _part(x: Tensor, samples: int) -> Tensor:
    start = int(torch.randint(x.shape[2] - samples + 1, ()))
    return x[..., start : start + samples]


def _distorted(x: Tensor) -> Tensor:
    one, lead = (len(x), 1, 1), (len(x), len(LEADS), 1)
    device = x.device
    gain = torch.empty(lead, device=device).uniform_(0.85, 1.18)
    hertz = torch.empty(one, device=device).uniform_(0.1, 0.6)
    size = 0.15 * torch.rand(one, device=device) ** 2
    time = torch.arange(x.shape[2], device=device) / MODEL_RATE
    wander = torch.sin(2 * torch.pi * (hertz * time + torch.rand(lead, device=device)))
    kept = torch.rand(lead, device=device) > 0.08
    return (x * gain + size * wander) * kept


def autocast(device: torch.device) -> torch.autocast:
    """Return the precision that `Loop` trains in: bfloat16 where the device is fit for it."""
    return torch.autocast(device.type, torch.bfloat16, enabled=_fit_for_bfloat16(device))


def _fit_for_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    # In AMX tiles, torch 2.13 trained small networks to non-finite weights, and no run twice alike.
    tiles = torch.cpu._is_amx_tile_supported()
    return torch.ops.mkldnn._is_mkldnn_bf16_supported() and not tiles
