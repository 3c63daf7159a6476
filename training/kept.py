"""What runs keep for their next start: files of their own, which may be damaged all the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

MAX_BYTES = 8_000_000_000


class KeptError(ValueError):
    """A file that a run kept and that cannot be used; the message says what to do."""


@contextmanager
def reading(file: Path) -> Iterator[None]:
    """Turn whatever goes wrong while a kept file is read and taken apart into `KeptError`."""
    try:
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
