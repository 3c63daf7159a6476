"""Training shared by the processes that `torchrun` starts: each sees its part of every batch.

Gradients and batch statistics are averaged after each step, so that all hold the same weights. What
networks see in all ECGs, each process looks up for its part of them. All else each does for itself,
alike, and what the first one writes is kept.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
import torch.distributed as dist
from torch import Tensor, nn

# Files that are replaced, never written to: a second name is as good as a copy.
_WHOLE = {".npy", ".pt"}


@contextmanager
def folders(work: Path, out: Path) -> Iterator[tuple[Path, Path]]:
    """Join the others, if there are any; yield where this process works, and writes the bundle.

    All but the first begin with what that one has of an earlier run, in a folder that is gone at
    the end.
    """
    if not dist.is_torchelastic_launched():
        yield work, out
        return
    on_gpus = torch.cuda.is_available()
    dist.init_process_group("nccl" if on_gpus else "gloo")
    if on_gpus:
        torch.cuda.set_device(dist.get_node_local_rank())
    try:
        if dist.get_rank() == 0:
            work.mkdir(parents=True, exist_ok=True)
        dist.barrier()
        with TemporaryDirectory(prefix=".rank-", dir=work) as own:
            if dist.get_rank():
                _copy(work, Path(own))
            dist.barrier()
            yield (Path(own), Path(own, "bundle")) if dist.get_rank() else (work, out)
            dist.barrier()
    finally:
        dist.destroy_process_group()


def _copy(work: Path, own: Path) -> None:
    for file in work.iterdir():
        if file.suffix in _WHOLE:
            os.link(file, own / file.name)
        elif file.is_file():
            shutil.copy2(file, own)


def own_part(rows: Tensor) -> Tensor:
    """Return this process's rows of a batch; all of a batch that is too small to share."""
    if not dist.is_initialized() or len(rows) < 2 * dist.get_world_size():
        return rows
    return rows.tensor_split(dist.get_world_size())[dist.get_rank()]


def shared_out(see: Callable[[Tensor], Sequence[Tensor]], rows: Tensor) -> list[Tensor]:
    """Return what `see` returns of rows of a data set, of which each process sees its part.

    Parameters
    ----------
    see : returns tensors on the CPU whose first dimension is that of the rows, in their order
    """
    if not dist.is_initialized() or len(rows) < dist.get_world_size():
        return list(see(rows))
    own = see(rows.tensor_split(dist.get_world_size())[dist.get_rank()])
    found: list[Sequence[Tensor]] = [()] * dist.get_world_size()
    dist.all_gather_object(found, tuple(own))
    return [torch.cat(parts) for parts in zip(*found, strict=True)]


@torch.no_grad()
def agree(module: nn.Module) -> None:
    """Average the gradients and batch statistics of all processes."""
    if not dist.is_initialized():
        return
    for parameter in module.parameters():
        if parameter.requires_grad and parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    values = [p.grad for p in module.parameters() if p.grad is not None]
    values += [buffer for buffer in module.buffers() if buffer.is_floating_point()]
    together = torch.cat([value.flatten().float() for value in values])
    dist.all_reduce(together)
    together /= dist.get_world_size()
    for value, part in zip(values, together.split([v.numel() for v in values]), strict=True):
        value.copy_(part.view_as(value))
