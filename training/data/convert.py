"""A described data set as a folder in PTB-XL's layout, which is what everything else works on.

Ten seconds of each ECG at 100 Hz, 2 bytes a sample: 24 kB an ECG. The folder lies in the cache and
is made once; what was cut short is gone on with.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from protoecg.ecg import DURATION_S, ECG, ECGError
from protoecg.prototypes.records import write_record
from protoecg.signals import MODEL_SAMPLES, at_model_rate
from protoecg.storage import folders
from protoecg.storage.files import write_bytes, write_json
from training.data.dataset import LABELS, TABLE, DataError
from training.data.description import Described

ABOUT = "dataset.json"
MAX_AGE = 120


def dataset_folder(data: Path) -> Path:
    """Return the folder of a data set: as it is, or made of a description (a `.toml` file).

    Raises
    ------
    DataError
        If the description cannot be used, or no ECG of it can be read.
    """
    if data.suffix.lower() != ".toml":
        return data
    described = Described(data)
    dest = folders.cache() / "datasets" / f"{data.stem}-{described.checksum[:12]}"
    if not (dest / TABLE).is_file():
        convert(described, dest)
    return dest


def convert(described: Described, dest: Path) -> None:
    """Write a described data set to a folder in PTB-XL's layout.

    ECGs that cannot be read are left out; `dataset.json` says which and why.

    Raises
    ------
    DataError
        If none can be read.
    """
    left_out: dict[str, str] = {}
    names = [f"{dest.name}/{n // 1000:05d}/{n:07d}" for n in range(1, len(described.table) + 1)]
    records = described.names
    every = list(enumerate(zip(names, records, strict=True)))
    for row, (name, record) in tqdm(every, desc="converting", unit="ECG"):
        if (dest / f"{name}.dat").is_file():
            continue
        try:
            write_record(dest / name, _standard(described.read(row)))
        except (ECGError, OSError) as error:
            left_out[record] = str(error)
    kept = ~records.isin(list(left_out))
    if not kept.any():
        why = next(iter(left_out.values()), "")
        raise DataError(f"No ECG of {described.file} can be read. {why}")
    about = described.about
    description = {"name": about.name, "simulated": about.simulated, "licence": about.licence}
    write_json(dest / ABOUT, {**description, "left_out": left_out})
    write_bytes(dest / LABELS, described.labels.to_csv().encode())
    # Last, as it is by this file that a data set is known.
    text = table(described).assign(filename_lr=names)[kept.to_numpy()].to_csv(index=False)
    write_bytes(dest / TABLE, text.encode())


def table(described: Described) -> pd.DataFrame:
    """Return the columns of PTB-XL's table that a description knows, a row an ECG."""
    columns = described.about.columns
    patients = described.column(columns.patient)
    number = np.arange(len(described.table)) if patients is None else pd.factorize(patients)[0]
    ecgs = pd.DataFrame(
        {
            "ecg_id": np.arange(1, len(described.table) + 1),
            # Numbers of our own: whoever has the bundle has not the hospital's.
            "patient_id": number,
            "age": _ages(described.column(columns.age), len(described.table)),
            "sex": _sexes(described),
            # Nothing is known of how sure a label is.
            "scp_codes": [str(dict.fromkeys(codes, 0.0)) for codes in described.codes()],
            "strat_fold": _folds(described, number, patients),
        }
    )
    report = described.column(columns.report)
    return ecgs if report is None else ecgs.assign(report=report.to_numpy())


def _standard(ecg: ECG) -> np.ndarray:
    """Return ten seconds at 100 Hz, (12, 1000) mV; what is shorter ends in its last value."""
    samples = round(DURATION_S * ecg.rate)
    signal = at_model_rate(ecg.signal[:, :samples], ecg.rate)[:, :MODEL_SAMPLES]
    return np.pad(signal, ((0, 0), (0, MODEL_SAMPLES - signal.shape[1])), mode="edge")


def _ages(column: pd.Series | None, n: int) -> np.ndarray:
    if column is None:
        return np.full(n, np.nan)
    years = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)
    return np.where((years >= 0) & (years < MAX_AGE), years, np.nan)


def _sexes(described: Described) -> Sequence[float]:
    column = described.column(described.about.columns.sex)
    if column is None:
        return [np.nan] * len(described.table)
    words = dict.fromkeys(described.about.male, 0.0) | dict.fromkeys(described.about.female, 1.0)
    return [words.get(cell.strip(), np.nan) for cell in column]


def _folds(described: Described, patients: np.ndarray, named: pd.Series | None) -> np.ndarray:
    """Return the fold of each ECG: the column's, else each patient's as the description says.

    Parameters
    ----------
    patients, named : of each ECG, by a number of our own and as the data set does
    """
    column = described.column(described.about.columns.fold)
    if column is not None:
        folds = pd.to_numeric(column, errors="coerce")
        if folds.isna().any() or (folds < 1).any() or (folds % 1 != 0).any():
            raise DataError(f"{described.file}: the column of folds holds others than 1, 2, 3, ...")
        return folds.to_numpy(dtype=int)
    split = described.about.split
    if split.by == "hash":
        names = described.names if named is None else named
        return np.array([_hashed(f"{split.seed} {name}") % split.folds + 1 for name in names])
    dealt = np.random.default_rng(split.seed).permutation(patients.max() + 1) % split.folds
    return dealt[patients] + 1


def _hashed(text: str) -> int:
    return int.from_bytes(sha256(text.encode()).digest()[:8])
