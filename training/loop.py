"""Epochs over shuffled ECGs that can be killed at any point."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from training.config import Config


@dataclass(frozen=True)
class Data:
    """Model inputs (n, 12, 1000) and labels (n, c), and the device that batches go to."""

    x: np.ndarray
    y: Tensor
    device: torch.device
    size: int = 128

    def columns(self, columns: list[int]) -> Data:
        """Return the same ECGs with some of the labels."""
        return replace(self, y=self.y[:, columns])

    def rows(self, rows: Tensor) -> Iterator[Tensor]:
        """Batches of the inputs in `rows`."""
        for part in rows.split(self.size):
            yield torch.from_numpy(self.x[part.cpu().numpy()]).to(self.device)

    def batches(self) -> Iterator[Tensor]:
        """Batches of all inputs, in order."""
        yield from self.rows(torch.arange(len(self.y)))


@dataclass(frozen=True)
class Loop:
    """Runs a module's `loss(x, y)` for some epochs, with a checkpoint after each.

    Every epoch draws from a seed of its own, so that a run that was killed and resumed ends as
    one that was not.
    """

    config: Config
    title: str
    checkpoint: Path
    learning_rate: float

    def run(self, module: nn.Module, data: Data, epochs: int) -> None:
        """Train `module` in place, from the last checkpoint if there is one."""
        steps = -(-len(data.y) // self.config.batch)
        trainable = [p for p in module.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(
            trainable, self.learning_rate, weight_decay=self.config.weight_decay
        )
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, self.learning_rate, total_steps=max(epochs * steps, 1)
        )
        state = {"module": module, "optimizer": optimizer, "schedule": schedule}
        for epoch in range(self._resume(state, data.device), epochs):
            torch.manual_seed(zlib.crc32(f"{self.config.seed} {self.title} {epoch}".encode()))
            self._epoch(module, data, optimizer, schedule, f"{self.title} {epoch + 1}/{epochs}")
            self._save(state, epoch + 1)

    def _epoch(
        self,
        module: nn.Module,
        data: Data,
        optimizer: torch.optim.Optimizer,
        schedule: torch.optim.lr_scheduler.LRScheduler,
        title: str,
    ) -> None:
        module.train()
        order = torch.randperm(len(data.y))
        parts = order.split(self.config.batch)
        batches = Data(data.x, data.y, data.device, self.config.batch).rows(order)
        bar = tqdm(zip(parts, batches, strict=True), title, len(parts), unit="batch", mininterval=2)
        for rows, x in bar:
            with torch.autocast(
                data.device.type, torch.bfloat16, enabled=_has_bfloat16(data.device)
            ):
                loss = module.loss(  # type: ignore[operator]
                    augment(x), data.y[rows].to(data.device)
                )
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_([p for p in module.parameters() if p.requires_grad], 1.0)
            optimizer.step()
            schedule.step()
            bar.set_postfix(loss=f"{loss.item():.3f}", refresh=False)

    def _resume(self, state: dict[str, Any], device: torch.device) -> int:
        if not self.checkpoint.exists():
            return 0
        saved = torch.load(self.checkpoint, map_location=device, weights_only=True)
        for name, part in state.items():
            part.load_state_dict(saved[name])
        return saved["epoch"]

    def _save(self, state: dict[str, Any], epoch: int) -> None:
        part = self.checkpoint.with_suffix(".part")
        torch.save({"epoch": epoch, **{k: v.state_dict() for k, v in state.items()}}, part)
        os.replace(part, self.checkpoint)


def augment(x: Tensor) -> Tensor:
    """Vary gain (by a quarter) and add a little noise, as other electrodes and skins would."""
    gain = torch.empty(len(x), 1, 1, device=x.device).uniform_(0.8, 1.25)
    noise = torch.rand(len(x), 1, 1, device=x.device) * 0.03
    return x * gain + noise * torch.randn_like(x)


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return torch.ops.mkldnn._is_mkldnn_bf16_supported()
