"""NPY and NPZ files: an array of leads in millivolts or one a lead, perhaps with names and rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from math import prod

import numpy as np
from numpy.lib import format as npy

from protoecg.ecg import ECGError
from protoecg.leads.names import has_all_leads, lead_named, other_lead_named
from protoecg.readers.channels import Channel, Channels
from protoecg.readers.given import Given, IncompleteFileError
from protoecg.readers.recording import names_rate
from protoecg.readers.voltage import NO_UNIT
from protoecg.taken import Taken

MAX_WORDS = 256

# Arrays of words under these names are units of the leads; all others are their names.
_UNIT_NAMES = {"unit", "units", "leadunits", "sigunits"}
_WORDS = "US"
FEWEST_LEADS = 8


def is_npy(content: bytes) -> bool:
    """Whether a file's content is an NPY array."""
    return content.startswith(npy.MAGIC_PREFIX)


def read(content: bytes, source: str, *, exam: str = "") -> Channels:
    """Read an array of leads and samples, whichever stand first; of several ECGs the one of `exam`.

    Raises
    ------
    IncompleteFileError
        If there are several, and none of them was chosen.
    """
    array = _load(content, source)
    if array.ndim != 3 or 1 in array.shape:
        return _channels(_flat(array), (), source)
    ids = [str(number + 1) for number in range(len(array))]
    found = _channels(array[place(ids, exam, source)], (), source)
    return replace(found, notes=(which(exam, len(ids)),))


def read_archive(files: Mapping[str, bytes], source: str) -> Channels:
    """Read the arrays of an NPZ file: the leads, perhaps their names, units and rate."""
    arrays = {name.removesuffix(".npy"): _load(content, source) for name, content in files.items()}
    return from_arrays(arrays, source)


def place(ids: Sequence[str], exam: str, source: str) -> int:
    """Return where the ECG that was chosen stands among several.

    Raises
    ------
    IncompleteFileError
        If none was chosen.
    ECGError
        If there is none of that number.
    """
    if not exam:
        raise IncompleteFileError(
            f"{source} holds {len(ids):,} ECGs. Say which one, by its exam_id, or by its number "
            f"from 1 where it has none (--exam {ids[0]}).",
            Given(exam=ids[0]),
        )
    if exam not in ids:
        raise ECGError(f"{source} holds {len(ids):,} ECGs, and none of that number or exam_id.")
    return ids.index(exam)


def which(exam: str, count: int) -> str:
    """Say which of several ECGs it is."""
    return f"ECG {exam} of {count:,} in the file."


def from_arrays(arrays: Mapping[str, np.ndarray], source: str) -> Channels:
    """Find the leads among named arrays, with their names, unit and rate.

    The leads are the only array of two dimensions that has room for them, or arrays by their names;
    the names are an array of eight words or more, the units words called `units`, one or one a
    lead, and the rate is one number called `fs`, `sampling_rate` or the like. Of the
    patient a number called `age` and a word called `sex` count.
    """
    arrays = {name.replace("_", "").lower(): _flat(array) for name, array in arrays.items()}
    every = [array for array in arrays.values() if array.ndim > 1]
    tables = [array for array in every if min(array.shape) >= FEWEST_LEADS] or every
    by_name = {name: array for name, array in arrays.items() if is_of_a_lead(name, array)}
    alone = not tables and has_all_leads(by_name)
    if len(tables) != 1 and not alone:
        raise ECGError(
            f"{source} holds {len(tables)} arrays of two dimensions, expected one: leads and "
            "samples. Save the ECG alone."
        )
    lists = {name: array for name, array in arrays.items() if array.dtype.kind in _WORDS}
    if any(array.size > MAX_WORDS for array in lists.values()):
        raise ECGError(
            f"{source} holds more than {MAX_WORDS} names, expected one for each lead. Save the ECG "
            "alone."
        )
    words = {name: _words(array) for name, array in lists.items()}
    units = next((found for name, found in words.items() if name in _UNIT_NAMES), ())
    single = {
        n: float(a.item()) for n, a in arrays.items() if a.size == 1 and a.dtype.kind in "fiu"
    }
    rate = next((single[name] for name in single if names_rate(name)), None)
    sex = next((words[name][0] for name in ("sex", "gender") if len(words.get(name, ())) == 1), "")
    taken = Taken.of(age=single.get("age"), sex=sex)
    if alone:
        each = zip(by_name.items(), _each(units, len(by_name), source), strict=True)
        read = [Channel(name, row, rate, unit) for (name, row), unit in each]
        return Channels(read, source, taken=taken)
    others = (found for name, found in words.items() if name not in _UNIT_NAMES)
    names = next((found for found in others if len(found) >= FEWEST_LEADS), ())
    return replace(_channels(tables[0], names, source, rate, units), taken=taken)


def is_of_a_lead(name: str, array: np.ndarray) -> bool:
    """Whether that holds the samples of one lead, by its name."""
    known = lead_named(name) or other_lead_named(name)
    return (
        bool(known) and array.dtype.kind in "fiu" and array.size == max(array.shape, default=0) > 1
    )


def _flat(array: np.ndarray) -> np.ndarray:
    """Return an array without dimensions of one, but for those that a table of leads has."""
    return array.squeeze() if array.ndim > 2 or (array.ndim == 2 and 1 in array.shape) else array


def _words(array: np.ndarray) -> tuple[str, ...]:
    """Return an array of text or bytes as words."""
    words = array.ravel().tolist()
    return tuple(w.decode("latin-1") if isinstance(w, bytes) else str(w) for w in words)


def _each(units: tuple[str, ...], leads: int, source: str) -> tuple[str, ...]:
    """Return a unit for each lead, of one for all, one each, or none."""
    if len(units) not in (0, 1, leads):
        raise ECGError(f"{source} gives {len(units)} units for {leads} leads; give one each.")
    return units if len(units) == leads else (units or (NO_UNIT,)) * leads


def _channels(
    signal: np.ndarray,
    names: Sequence[str],
    source: str,
    rate: float | None = None,
    units: tuple[str, ...] = (),
) -> Channels:
    if signal.dtype.kind not in "fiu":
        raise ECGError(
            f"{source} holds {signal.dtype.name}, expected real numbers in millivolts, such as "
            "float32."
        )
    leads = len(names) or min(signal.shape)
    if signal.ndim != 2 or leads not in signal.shape or not FEWEST_LEADS <= leads <= MAX_WORDS:
        expected = len(names) or 12
        raise ECGError(
            f"{source} has the shape {signal.shape}, expected ({expected}, samples) or (samples, "
            f"{expected}): the twelve leads in the order I, II, III, aVR, aVL, aVF, V1 to V6."
        )
    rows = signal if signal.shape[0] == leads else signal.T
    each = zip(names or [""] * leads, rows, _each(units, leads, source), strict=True)
    return Channels([Channel(name, values, rate, unit) for name, values, unit in each], source)


def _load(content: bytes, source: str) -> np.ndarray:
    """Load an array once its own header agrees with the size of the file."""
    stream = BytesIO(content)
    try:
        version = npy.read_magic(stream)
        header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = header(stream)
    # NumPy lets Python's own parser read the header, with all of its errors.
    except Exception:
        raise ECGError(f"{source} is a damaged NPY file. Save the array again.") from None
    if dtype.kind not in f"fiu{_WORDS}" or dtype.hasobject:
        raise ECGError(
            f"{source} holds {dtype.name}, expected real numbers in millivolts, such as float32."
        )
    held = len(content) - stream.tell()
    # Of what takes no room a few bytes could announce any number.
    if min(shape, default=1) < 1 or not dtype.itemsize or prod(shape) * dtype.itemsize != held:
        raise ECGError(f"{source} is empty, incomplete or damaged. Copy or save it again.")
    return np.load(BytesIO(content), allow_pickle=False)
