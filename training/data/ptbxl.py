"""PTB-XL, or any data set in its layout, as arrays."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import wfdb
from torch import Tensor
from tqdm import tqdm

from protoecg.ecg import ECG, LEADS
from protoecg.files import write_bytes
from protoecg.labels import PTBXL, LabelSet
from protoecg.signals import MODEL_SAMPLES, model_input

BATCH = 64
# No finding beside another: the normal, and the rhythm that goes with all of them.
NO_FINDING = {"SR", "NORM"}
NOISE = ("baseline_drift", "static_noise", "burst_noise", "electrodes_problems")


class DataError(ValueError):
    """A data set that cannot be used; the message says what is missing and where to get it."""


@dataclass(frozen=True)
class Dataset:
    """ECGs of a data set in PTB-XL's layout.

    Parameters
    ----------
    root : its folder
    name : what to call it
    simulated : whether its ECGs are
    licence : that its ECGs are under
    label_set : of its codes
    table : one row an ECG: `record`, `patient`, `fold`, `age`, `sex`, `codes` (a tuple), `scp`
        (those that PTB-XL knows, by its codes), `findings` (those that say more than that the ECG
        is normal or in sinus rhythm), and what
        is known of these: `likelihoods` (a mapping, percent, of those that have one), `validated`
        (by a human; None if not known), `noise` (a tuple of remarks), `report` (in words)
    """

    root: Path
    name: str
    simulated: bool
    licence: str
    label_set: LabelSet
    table: pd.DataFrame

    @property
    def statements(self) -> tuple[str, ...]:
        """The statements that occur, in the order of the label set."""
        present = {code for codes in self.table["codes"] for code in codes}
        return tuple(code for code in self.label_set if code in present)

    @property
    def checksum(self) -> str:
        """SHA-256 of which ECG is in which fold with which statements, in hex."""
        rows = self.table[["record", "fold", "codes"]].to_csv(index=False)
        return sha256(rows.encode()).hexdigest()

    def folds(self, folds: Sequence[int]) -> Dataset:
        """Return the ECGs of some folds only.

        Raises
        ------
        DataError
            If there is none of one of them.
        """
        if missing := set(folds) - set(self.table["fold"]):
            raise DataError(f"{self.root} has no ECG of fold {', '.join(map(str, missing))}.")
        table = self.table[self.table["fold"].isin(folds)].reset_index(drop=True)
        return replace(self, table=table)

    def labels(self, statements: Sequence[str]) -> np.ndarray:
        """Return (n, len(statements)) float32, 1 where the statement is present."""
        rows = [[code in codes for code in statements] for codes in map(set, self.table["codes"])]
        return np.array(rows, dtype=np.float32)


def folds_of(about: Mapping[str, Any], dataset: Dataset, use: str) -> set[int]:
    """Return the folds of a data set that a bundle, by what it says of itself, had some use of.

    Parameters
    ----------
    use : "train_folds" or "validation_folds"
    """
    return set(about["config"][use]) if about["data"] == dataset.name else set()


def load(root: Path) -> Dataset:
    """Read the table of a data set in PTB-XL's layout.

    A statement counts when its key is present in `scp_codes`, whatever its likelihood.

    Raises
    ------
    DataError
        If the folder is not such a data set.
    """
    path = root / "ptbxl_database.csv"
    if not path.exists():
        raise DataError(
            f"{path} not found. Get PTB-XL with `python -m training download {root}`, or name the "
            "folder that holds ptbxl_database.csv with --data."
        )
    raw = pd.read_csv(path, index_col="ecg_id")
    about = root / "dataset.json"
    meta = json.loads(about.read_text()) if about.exists() else {}
    simulated, table = bool(meta.get("simulated", False)), _table(raw)
    return Dataset(
        root,
        meta.get("name", "PTB-XL 1.0.3"),
        simulated,
        meta.get("licence", "CC BY 4.0"),
        PTBXL,
        # What is simulated is known, and not validated.
        table.assign(validated=None) if simulated else table,
    )


def _table(raw: pd.DataFrame) -> pd.DataFrame:
    codes = raw["scp_codes"].map(ast.literal_eval)
    return pd.DataFrame(
        {
            "ecg_id": raw.index,
            "record": raw["filename_lr"],
            "patient": raw["patient_id"].astype(int).astype(str),
            "fold": raw["strat_fold"].astype(int),
            # PTB-XL hides ages above 89 as 300.
            "age": raw["age"].where(raw["age"] < 120),
            "sex": raw["sex"].map({0: "male", 1: "female"}),
            "codes": codes.map(tuple),
            "scp": codes.map(lambda of: tuple(sorted(PTBXL.scp(of)))),
            "findings": codes.map(lambda of: tuple(sorted(set(of) - NO_FINDING))),
            # PTB-XL gives 0 to rhythms and forms, which it gives no likelihood.
            "likelihoods": [{code: p for code, p in of.items() if p} for of in codes],
            "validated": raw.get("validated_by_human"),
            "noise": _noise(raw),
            "report": raw["report"].fillna("").astype(str) if "report" in raw else "",
        }
    ).reset_index(drop=True)


def _noise(raw: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return the remarks on each ECG's noise, such as "burst noise: V4"."""
    told: list[list[str]] = [[] for _ in range(len(raw))]
    for column in (column for column in NOISE if column in raw):
        for remarks, leads in zip(told, raw[column], strict=True):
            if pd.notna(leads):
                remarks.append(f"{column.replace('_', ' ')}: {str(leads).strip(' ,')}")
    return [tuple(remarks) for remarks in told]


def read_record(root: Path, record: str) -> ECG:
    """Read one record of the data set."""
    read = wfdb.rdrecord(str(root / record))
    return ECG.from_leads(read.p_signal.T, read.sig_name, read.fs, source=record)


def batches(dataset: Dataset, title: str) -> Iterator[Tensor]:
    """Read model inputs, (up to `BATCH`, 12, 1000) each, in the order of the data set."""
    read: list[np.ndarray] = []
    for record in tqdm(dataset.table["record"], desc=title, unit="ECG", mininterval=2):
        read.append(model_input(read_record(dataset.root, record)))
        if len(read) == BATCH:
            yield torch.from_numpy(np.stack(read))
            read = []
    if read:
        yield torch.from_numpy(np.stack(read))


def inputs(dataset: Dataset, cache: Path, progress: Callable = tqdm) -> np.ndarray:
    """Model inputs of a data set, (n, 12, 1000) float32, kept in `cache` between runs."""
    shape = (len(dataset.table), len(LEADS), MODEL_SAMPLES)
    index = cache.with_suffix(".json")
    records = list(dataset.table["record"])
    if not (index.exists() and cache.exists() and json.loads(index.read_text()) == records):
        cache.parent.mkdir(parents=True, exist_ok=True)
        index.unlink(missing_ok=True)
        array = np.lib.format.open_memmap(cache, mode="w+", dtype=np.float32, shape=shape)
        for row, record in enumerate(progress(records, desc="model inputs", unit="ECG")):
            array[row] = model_input(read_record(dataset.root, record))
        array.flush()
        write_bytes(index, json.dumps(records).encode())
    return np.load(cache, mmap_mode="r")
