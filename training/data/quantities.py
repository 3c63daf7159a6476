"""What is measured on every ECG of a data set, kept between runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from tqdm import tqdm

from protoecg.measure import QUANTITIES, delineate, quantities
from protoecg.storage.files import atomic_write
from training import kept
from training.data.ptbxl import Dataset, read_record


def measured(dataset: Dataset, cache: Path | None = None, progress: Callable = tqdm) -> np.ndarray:
    """Measure a data set: (n, len(QUANTITIES)) float32, NaN where unsure.

    Parameters
    ----------
    cache : an .npz file that keeps it, measured anew where it is of other records or quantities
    progress : hands the records on and shows how far it is
    """
    records, names = dataset.table["record"].to_numpy(str), np.array(list(QUANTITIES))
    if cache and cache.exists():
        with kept.reading(cache):
            found = kept.arrays(cache)
            value = found["value"]
            if value.shape != (len(records), len(names)):
                raise ValueError(f"it holds {value.shape}")
            same = np.array_equal(found["record"], records), np.array_equal(found["name"], names)
        if all(same):
            return value
    bar = progress(records, desc="measuring", unit="ECG", mininterval=2)
    value = np.array([_row(dataset.root, record) for record in bar], dtype=np.float32)
    if cache is None:
        return value
    with atomic_write(cache) as file:
        np.savez_compressed(file, record=records, name=names, value=value)
    return value


def _row(root: Path, record: str) -> list[float]:
    return list(quantities(delineate(read_record(root, record))).values())
