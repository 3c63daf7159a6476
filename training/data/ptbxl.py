"""PTB-XL, or any data set in its layout, as arrays."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pydantic.dataclasses
import torch
from pydantic import TypeAdapter
from torch import Tensor
from tqdm import tqdm

from protoecg.ecg import ECG, LEADS
from protoecg.labels import PTBXL, LabelsError, LabelSet, read_labels
from protoecg.readers import files_of, wfdb_format
from protoecg.signals import MODEL_SAMPLES, model_input
from protoecg.storage.files import FormatError, may_never_end, read_limited, validated, write_bytes
from training import kept
from training.data.dataset import LABELS, TABLE, DataError, Dataset, dictionary, is_inside

BATCH = 64
# No finding beside another: the normal, and the rhythm that goes with all of them.
NO_FINDING = {"SR", "NORM"}
NEEDED = ("ecg_id", "patient_id", "age", "sex", "scp_codes", "strat_fold", "filename_lr")
# Which is which would be lost in numbers that pandas makes of them.
NUMBERS_AS_TEXT = {"filename_lr": str, "scp_codes": str}
LARGEST = 2**53
MAX_ABOUT_BYTES = 100_000
NOISE = ("baseline_drift", "static_noise", "burst_noise", "electrodes_problems")


def load(root: Path) -> Dataset:
    """Read the table of a data set in PTB-XL's layout, and its label set (`labels.csv`), if any.

    A statement counts when its key is present in `scp_codes`, whatever its likelihood.

    Raises
    ------
    DataError
        If the folder is not such a data set.
    """
    path = root / TABLE
    if not path.exists():
        raise DataError(
            f"{path} not found. Get PTB-XL with `python -m training download {root}`, or name the "
            "folder that holds ptbxl_database.csv with --data."
        )
    about = _about(root / "dataset.json")
    label_set = _label_set(root / LABELS)
    table = _table(_read(path), label_set, path)
    return Dataset(
        root,
        about.name,
        about.simulated,
        about.licence,
        label_set,
        # What is simulated is known, and not validated.
        table.assign(validated=None) if about.simulated else table,
    )


@pydantic.dataclasses.dataclass(frozen=True)
class _About:
    """The `dataset.json` of a data set that is not PTB-XL itself."""

    name: str = "PTB-XL 1.0.3"
    simulated: bool = False
    licence: str = "CC BY 4.0"


def _about(file: Path) -> _About:
    if not file.exists():
        return _About()
    try:
        return validated(TypeAdapter(_About), file, read_limited(file, MAX_ABOUT_BYTES))
    except FormatError as error:
        raise DataError(f"{error}. The data set needs another {file.name}, or none.") from error


def _read(path: Path) -> pd.DataFrame:
    if may_never_end(path):
        raise DataError(f"{path} is no file. Get the data set again.")
    try:
        raw = pd.read_csv(path, dtype=NUMBERS_AS_TEXT)
    except ValueError:
        raise DataError(f"{path} is no CSV in UTF-8. Get the data set again.") from None
    if missing := [name for name in NEEDED if name not in raw]:
        raise DataError(
            f"{path} lacks the columns {', '.join(missing)}, which PTB-XL's layout has. Other "
            "tables are described by a TOML file, see docs/training.md."
        )
    return raw.set_index("ecg_id")


def _label_set(file: Path) -> LabelSet:
    try:
        return read_labels(file.read_bytes(), str(file)) if file.is_file() else PTBXL
    except LabelsError as error:
        raise DataError(str(error)) from error


def _table(raw: pd.DataFrame, label_set: LabelSet, path: Path) -> pd.DataFrame:
    codes = raw["scp_codes"].map(partial(_codes, path))
    age, sex = (pd.to_numeric(raw[name], errors="coerce") for name in ("age", "sex"))
    return pd.DataFrame(
        {
            "ecg_id": raw.index,
            "record": raw["filename_lr"].map(partial(_record, path)),
            "patient": _whole(raw["patient_id"], path).astype(str),
            "fold": _whole(raw["strat_fold"], path),
            # PTB-XL hides ages above 89 as 300.
            "age": age.where(age < 120),
            "sex": sex.map({0: "male", 1: "female"}),
            "codes": codes.map(tuple),
            "scp": codes.map(lambda of: tuple(sorted(label_set.scp(of)))),
            "findings": findings(codes, label_set),
            # PTB-XL gives 0 to rhythms and forms, which it gives no likelihood.
            "likelihoods": [{code: p for code, p in of.items() if p} for of in codes],
            "validated": raw.get("validated_by_human"),
            "noise": _noise(raw),
            "report": raw["report"].fillna("").astype(str) if "report" in raw else "",
            "recorder": _recorder(raw),
        }
    ).reset_index(drop=True)


def _codes(path: Path, cell: object) -> dict[str, float]:
    found = dictionary(str(cell))
    if found is None or not all(
        isinstance(code, str) and isinstance(likelihood, int | float)
        for code, likelihood in found.items()
    ):
        raise DataError(
            f"{path} has {str(cell)[:60]!r} in scp_codes, expected statements with their "
            "likelihood in percent, such as {'NORM': 100.0}."
        )
    return found


def _record(path: Path, cell: object) -> str:
    if not is_inside(record := str(cell)):
        raise DataError(f"{path} names the record {record[:60]!r}, which is none in its folder.")
    return record


def _whole(column: pd.Series, path: Path) -> pd.Series:
    numbers = pd.to_numeric(column, errors="coerce")
    wrong = ~(numbers % 1 == 0) | (numbers.abs() > LARGEST)
    if wrong.any():
        raise DataError(
            f"{path} has {str(column[wrong].iloc[0])[:60]!r} in {column.name}, expected a whole "
            "number."
        )
    return numbers.astype(int)


def findings(codes: Iterable[Iterable[str]], label_set: LabelSet) -> list[tuple[str, ...]]:
    """Return of each ECG's statements those that are a finding."""
    ordinary = {code for code, one in label_set.items() if one.scp in NO_FINDING}
    return [tuple(code for code in of if code not in ordinary) for of in codes]


def _noise(raw: pd.DataFrame) -> list[tuple[str, ...]]:
    """Return the remarks on each ECG's noise, such as "burst noise: V4"."""
    remarks_of: list[list[str]] = [[] for _ in range(len(raw))]
    for column in (column for column in NOISE if column in raw):
        for remarks, leads in zip(remarks_of, raw[column], strict=True):
            if pd.notna(leads):
                remarks.append(f"{column.replace('_', ' ')}: {str(leads).strip(' ,')}")
    return [tuple(remarks) for remarks in remarks_of]


def _recorder(raw: pd.DataFrame) -> pd.Series | str:
    """Return the make of each ECG's recorder, such as "AT" of "AT-6 C 5.5"."""
    if "device" not in raw:
        return ""
    return raw["device"].astype(str).str.extract(r"^\s*([A-Z]{2,20})", expand=False).fillna("")


def read_record(root: Path, record: str) -> ECG:
    """Read one record of the data set.

    Raises
    ------
    DataError
        If the data set lacks it.
    """
    header = root / f"{record}.hea"
    if not (header.is_file() and header.with_suffix(".dat").is_file()):
        raise DataError(
            f"{root} lacks the record {record}. Name a data set that is whole, or get it again "
            "with `python -m training download`."
        )
    # The wfdb library takes four times as long, nearly all of it over the header.
    channels = wfdb_format.read(files_of(header), header.name).channels
    signal = np.stack([channel.values for channel in channels])
    names = [channel.name for channel in channels]
    return ECG.from_leads(signal, names, channels[0].rate or 0.0, source=record)


def batches(dataset: Dataset, title: str) -> Iterator[Tensor]:
    """Read model inputs, (up to `BATCH`, 12, 1000) each, in the order of the data set."""
    with tqdm(total=len(dataset.table), desc=title, unit="ECG", mininterval=2) as progress:
        for part in parts(dataset):
            read = part()
            progress.update(len(read))
            yield read


def parts(dataset: Dataset) -> list[Callable[[], Tensor]]:
    """Return what reads each of the `batches` of a data set, wherever its folder can be reached."""
    records = list(dataset.table["record"])
    return [
        partial(_inputs_of, dataset.root, records[first : first + BATCH])
        for first in range(0, len(records), BATCH)
    ]


def _inputs_of(root: Path, records: Sequence[str]) -> Tensor:
    return torch.from_numpy(np.stack([model_input(read_record(root, r)) for r in records]))


def inputs(dataset: Dataset, cache: Path, progress: Callable = tqdm) -> np.ndarray:
    """Model inputs of a data set, (n, 12, 1000) float32, kept in `cache` between runs."""
    shape = (len(dataset.table), len(LEADS), MODEL_SAMPLES)
    index = cache.with_suffix(".json")
    records = list(dataset.table["record"])
    if not (cache.exists() and _records(index) == records):
        cache.parent.mkdir(parents=True, exist_ok=True)
        index.unlink(missing_ok=True)
        array = np.lib.format.open_memmap(cache, mode="w+", dtype=np.float32, shape=shape)
        for row, record in enumerate(progress(records, desc="model inputs", unit="ECG")):
            array[row] = model_input(read_record(dataset.root, record))
        array.flush()
        write_bytes(index, json.dumps(records).encode())
    return kept.array(cache, shape)


def _records(index: Path) -> list[str] | None:
    if not index.exists():
        return None
    with kept.reading(index):
        return json.loads(index.read_bytes())
