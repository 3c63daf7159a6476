"""What runs keep for their next start: files of their own, which may be damaged all the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import torch

from protoecg.storage.files import may_never_end

MAX_BYTES = 8_000_000_000


class KeptError(ValueError):
    """A file that a run kept and that cannot be used; the message says what to do."""


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """Turn whatever goes wrong while a kept file is read and taken apart into `KeptError`."""
    try:
        if may_never_end(file):
            raise ValueError("it is no file")
        yield
    except OSError:
        raise
    # Each library has its own errors for what is none of its files.
    except Exception as error:
        raise KeptError(
            f"{file} was kept by an earlier run and cannot be used: it is damaged, or of another "
            "program. Delete it, and run the same command again, which makes it anew."
        ) from error


def arrays(file: Path, max_bytes: int = MAX_BYTES) -> dict[str, np.ndarray]:
    """Return the arrays of an .npz file.

    Raises
    ------
    KeptError
        If it is none, holds Python objects, or unpacks to more than `max_bytes`.
    """
    with reading(file), np.load(file, allow_pickle=False) as kept:
        if sum(member.file_size for member in kept.zip.infolist()) > max_bytes:
            raise ValueError("it unpacks to too much")
        return {name: kept[name] for name in kept}


def tensors(file: Path, device: torch.device | str = "cpu") -> Any:
    """Return the tensors and plain values that `torch.save` wrote.

    Raises
    ------
    KeptError
        If it holds anything else, is packed, or has a tensor of something else than numbers.
    """
    with reading(file):
        with ZipFile(file) as kept:
            if sum(member.file_size for member in kept.infolist()) > file.stat().st_size:
                raise ValueError("it unpacks to more than was written")
        found = torch.load(file, map_location=device, weights_only=True)
        if not all(_is_numbers(each) for each in _tensors(found)):
            raise ValueError("it holds tensors that are no numbers")
        return found


def _tensors(found: Any) -> Iterator[torch.Tensor]:
    if isinstance(found, torch.Tensor):
        yield found
    elif isinstance(found, dict | list | tuple):
        for part in found.values() if isinstance(found, dict) else found:
            yield from _tensors(part)


def _is_numbers(tensor: torch.Tensor) -> bool:
    """Say whether all of it is here, real and finite."""
    plain = tensor.layout == torch.strided and not (tensor.is_meta or tensor.is_complex())
    return plain and bool(tensor.isfinite().all())


def array(file: Path, shape: tuple[int, ...]) -> np.ndarray:
    """Return the float32 array of an .npy file, left on the disk until it is looked at.

    Raises
    ------
    KeptError
        If it is no such array, or has another shape.
    """
    with reading(file):
        kept = np.load(file, mmap_mode="r", allow_pickle=False)
        if kept.shape != shape or kept.dtype != np.float32:
            raise ValueError(f"it holds {kept.dtype} {kept.shape}, expected float32 {shape}")
        return kept
