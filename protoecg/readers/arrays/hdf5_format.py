"""HDF5 files as public data sets use them, such as CODE's `tracings`, through h5py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from math import prod

import h5py
import numpy as np

from protoecg.ecg import ECGError
from protoecg.leads.names import has_all_leads, lead_named
from protoecg.readers.arrays.npy_format import FEWEST_LEADS, MAX_WORDS, from_arrays, place, which
from protoecg.readers.channels import Channel, Channels
from protoecg.readers.guesses import is_plausible
from protoecg.readers.voltage import NO_UNIT

MAX_DEPTH, MAX_OBJECTS = 4, 500
MAX_UNPACKED = 60_000_000
# What the dataset of ECGs is called, where several could be it, and that of their numbers.
_TRACINGS = ("tracings", "tracing", "signal", "signals", "ecg", "data", "val")
_IDS = ("exam_id", "exam_ids", "id", "ids")
# Filters that the library itself has; others would load code from somewhere.
_FILTERS = {
    *(h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32),
    h5py.h5z.FILTER_LZF,
}
_MARK = b"\x89HDF\r\n\x1a\n"
# MATLAB 7.3 files are HDF5 behind a head of their own.
_MATLAB_HEAD = 512
# CODE (Ribeiro et al., Nature Communications 2020): 400 Hz, filled up with zeros to 4,096 samples.
_CODE, _CODE_SAMPLES, _CODE_HZ = "tracings", 4096, 400.0
CODE_NOTE = "The file does not say its rate and is laid out as those of CODE: 400 Hz are assumed."
_CODE_MV = 0.1
CODE_UNIT_NOTE = (
    "The file does not say its unit. In millivolts its leads were much higher than ECGs are: "
    "0.1 mV, the unit of CODE, is assumed (--unit)."
)
PADDING_NOTE = "Zeros in all leads before or behind the ECG are left out."
# Fewer zeros at its ends an ECG may have by itself; without noise, some between two beats.
_LEAST_PADDING, _LONGEST_PAUSE_S = 0.01, 1.5


def is_hdf5(content: bytes) -> bool:
    """Whether a file's content is HDF5."""
    return content.startswith(_MARK) or content[_MATLAB_HEAD:].startswith(_MARK)


def read(
    content: bytes, source: str, *, exam: str = "", rate: float | None = None, unit: str = ""
) -> Channels:
    """Read the dataset of ECGs: leads and samples, perhaps of many exams.

    Names, units and rate are found beside it or in its attributes, as in an NPZ file.

    Parameters
    ----------
    exam : which of several ECGs, by its `exam_id`, or by its number from 1 where there is none
    rate : Hz that a person gave, to tell padding from an ECG without noise
    unit : that a person gave; without it CODE's is guessed

    Raises
    ------
    IncompleteFileError
        If there are several, and none of them was chosen.
    ECGError
        If it holds none, or what is not read: external or virtual datasets, rare filters.
    """
    with h5py.File(BytesIO(content), "r") as file:
        datasets = dict(_datasets(file, source))
        beside = {n: _whole(d, source) for n, d in datasets.items() if _is_small(d)}
        apart = {n: d for n, d in datasets.items() if d.ndim == 1 and lead_named(n)}
        if has_all_leads(apart):
            return from_arrays({**_attributes_of(apart), **beside, **_all(apart, source)}, source)
        name = _tracings(datasets, source)
        dataset = datasets[name]
        table, notes = _exam(dataset, datasets, exam, source)
        arrays = {**_attributes(file), **_attributes(dataset), **beside, name: table}
    channels = from_arrays(arrays, source)
    if name == _CODE and max(table.shape) == _CODE_SAMPLES and channels.channels[0].rate is None:
        read = [replace(channel, rate=_CODE_HZ) for channel in channels.channels]
        channels, notes = replace(channels, channels=read), (*notes, CODE_NOTE)
        if not unit and _is_in_codes_unit(read):
            read = [replace(c, values=_CODE_MV * c.values, unit="mV") for c in read]
            channels, notes = replace(channels, channels=read), (*notes, CODE_UNIT_NOTE)
    return _without_padding(replace(channels, notes=notes), rate)


def _datasets(group: h5py.Group, source: str, depth: int = 0) -> Iterator[tuple[str, h5py.Dataset]]:
    """Yield the datasets of numbers and words below a group, by their names in lower case."""
    if depth > MAX_DEPTH or len(group) > MAX_OBJECTS:
        raise ECGError(f"{source} is an HDF5 file of too many parts. Save the ECG alone.")
    for name in group:
        link = group.get(name, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise ECGError(
                f"{source} refers to another file, which is refused. Save the ECG itself."
            )
        if not isinstance(link, h5py.HardLink):
            continue
        found = group[name]
        if isinstance(found, h5py.Group):
            yield from _datasets(found, source, depth + 1)
        elif isinstance(found, h5py.Dataset) and (found.dtype.kind in "fiuS" or _is_text(found)):
            yield name.lower(), found


def _is_text(dataset: h5py.Dataset) -> bool:
    return h5py.check_string_dtype(dataset.dtype) is not None


def _attributes_of(leads: Mapping[str, h5py.Dataset]) -> dict[str, np.ndarray]:
    """Return the attributes of datasets of one lead each, and of the groups that they are in."""
    first = next(iter(leads.values()))
    attributes = {**_attributes(first.file), **_attributes(first.parent), **_attributes(first)}
    units = [_attributes(dataset).get("units", np.array("")) for dataset in leads.values()]
    return (
        {**attributes, "units": np.array([str(unit) for unit in units])}
        if any(units)
        else attributes
    )


def _all(leads: Mapping[str, h5py.Dataset], source: str) -> dict[str, np.ndarray]:
    if sum(dataset.nbytes for dataset in leads.values()) > MAX_UNPACKED:
        raise ECGError(_too_large(source))
    return {name: _whole(dataset, source) for name, dataset in leads.items()}


def _tracings(datasets: Mapping[str, h5py.Dataset], source: str) -> str:
    """Return the name of the dataset with the ECGs."""
    tables = [name for name, dataset in datasets.items() if _is_table(dataset)]
    chosen = tables if len(tables) == 1 else [name for name in _TRACINGS if name in tables]
    if not chosen:
        raise ECGError(
            f"{source} holds {len(tables) or 'no'} datasets that could be ECGs, expected one of "
            "leads and samples, or of exams, samples and leads. Save the ECG alone, as `tracings`."
        )
    return chosen[0]


def _is_table(dataset: h5py.Dataset) -> bool:
    leads = min(dataset.shape[-2:], default=0)
    return (
        dataset.ndim in (2, 3)
        and dataset.dtype.kind in "fiu"
        and FEWEST_LEADS <= leads <= MAX_WORDS
    )


def _is_small(dataset: h5py.Dataset) -> bool:
    return dataset.ndim < 2 and dataset.size is not None and dataset.size <= MAX_WORDS


def _exam(
    dataset: h5py.Dataset, datasets: Mapping[str, h5py.Dataset], exam: str, source: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return the leads and samples of one exam."""
    if dataset.ndim == 2:
        return _whole(dataset, source), ()
    count = dataset.shape[0]
    ids = _ids(datasets, count, source)
    if count == 1:
        exam = exam or ids[0]
    chosen = place(ids, exam, source)
    refuse_strange(dataset, prod(dataset.shape[1:]), source)
    return dataset[chosen], (which(exam, count),) if count > 1 else ()


def _ids(datasets: Mapping[str, h5py.Dataset], count: int, source: str) -> list[str]:
    for name in _IDS:
        if name in datasets and datasets[name].shape == (count,):
            if datasets[name].dtype.kind in "iu":
                return [str(number) for number in _whole(datasets[name], source)]
    return [str(number + 1) for number in range(count)]


def _whole(dataset: h5py.Dataset, source: str) -> np.ndarray:
    refuse_strange(dataset, dataset.size or 0, source)
    return np.asarray(
        dataset.asstr()[()] if _is_text(dataset) else dataset[()], dtype=_plain(dataset)
    )


def _plain(dataset: h5py.Dataset) -> str | None:
    return "U" if _is_text(dataset) else None


def refuse_strange(dataset: h5py.Dataset, wanted: int, source: str) -> None:
    """Refuse what lies elsewhere, needs foreign code, or unpacks to more than an ECG has.

    Parameters
    ----------
    wanted : how many of its numbers will be read; of what is packed, whole chunks come into memory

    Raises
    ------
    ECGError
        With what to do.
    """
    plan = dataset.id.get_create_plist()
    if dataset.is_virtual or plan.get_external_count():
        raise ECGError(
            f"{source} keeps its ECGs in other files, which is refused. Save them in it."
        )
    filters = {plan.get_filter(i)[0] for i in range(plan.get_nfilters())}
    if not filters <= _FILTERS:
        raise ECGError(f"{source} is packed in a rare way. Save it with gzip or unpacked.")
    packed = prod(dataset.chunks) if dataset.chunks else 0
    if max(wanted, packed) * dataset.dtype.itemsize > MAX_UNPACKED:
        raise ECGError(_too_large(source))


def _too_large(source: str) -> str:
    return (
        f"{source} unpacks to more than {MAX_UNPACKED / 1e6:.0f} MB. Save one ECG alone, or a "
        "shorter part of it."
    )


def _attributes(of: h5py.Group | h5py.Dataset) -> dict[str, np.ndarray]:
    """Return the numbers and words among the attributes."""
    if len(of.attrs) > MAX_WORDS:
        return {}
    values = {name.lower(): np.asarray(of.attrs[name]) for name in of.attrs}
    words = {n: np.array(v.astype(str)) for n, v in values.items() if v.dtype.kind in "OSU"}
    numbers = {n: v for n, v in values.items() if v.dtype.kind in "fiu" and v.size == 1}
    return {**words, **numbers}


def _is_in_codes_unit(channels: Sequence[Channel]) -> bool:
    rows = [channel.values for channel in channels if channel.unit == NO_UNIT]
    return bool(rows) and not is_plausible(rows) and is_plausible(rows, _CODE_MV)


def _without_padding(channels: Channels, given: float | None) -> Channels:
    """Leave out what was only filled up, so that exams in one dataset have one length.

    An ECG without noise may be at zero itself: what is left lasts whole seconds, with as much left
    out before it as behind it, as CODE does, or all of it behind.
    """
    rows = np.stack([channel.values for channel in channels.channels])
    rate, samples = channels.channels[0].rate or given, rows.shape[1]
    there = np.flatnonzero((rows != 0).any(axis=0))
    if not rate or not len(there) or samples - np.ptp(there) - 1 < _LEAST_PADDING * samples:
        return channels
    behind = samples - there[-1] - 1
    both = _padded(samples, 2 * min(there[0], behind), rate)
    part = slice(both // 2, samples - both // 2)
    if not both and behind >= _LONGEST_PAUSE_S * rate:
        part = slice(0, samples - _padded(samples, behind, rate))
    if part == slice(0, samples):
        return channels
    cut = [replace(channel, values=channel.values[part]) for channel in channels.channels]
    return replace(channels, channels=cut, notes=(*channels.notes, PADDING_NOTE))


def _padded(samples: int, at_most: int, rate: float) -> int:
    """Return the most samples, `at_most`, whose removal leaves whole seconds."""
    second = max(round(rate), 1)
    whole = samples % second
    return whole + (at_most - whole) // second * second if at_most >= whole else 0
