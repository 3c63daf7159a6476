"""NPY and NPZ files: one array of leads in millivolts, in NPZ perhaps with names and rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from math import prod

import numpy as np
from numpy.lib import format as npy

from protoecg.ecg import ECGError
from protoecg.readers.channels import Channel, Channels
from protoecg.readers.recording import RATE_NAMES
from protoecg.readers.voltage import UNSAID
from protoecg.taken import Taken

MAX_WORDS = 256

# Arrays of words under these names are units of the leads; all others are their names.
_UNIT_NAMES = {"unit", "units", "leadunits", "sigunits"}
_WORDS = "US"
FEWEST_LEADS = 8


def is_npy(content: bytes) -> bool:
    """Whether a file's content is an NPY array."""
    return content.startswith(npy.MAGIC_PREFIX)


def read(content: bytes, source: str) -> Channels:
    """Read an array of leads and samples, whichever stand first."""
    return _channels(_load(content, source), (), source)


def read_archive(files: Mapping[str, bytes], source: str) -> Channels:
    """Read the arrays of an NPZ file: the leads, perhaps their names, units and rate."""
    arrays = {name.removesuffix(".npy"): _load(content, source) for name, content in files.items()}
    return from_arrays(arrays, source)


def from_arrays(arrays: Mapping[str, np.ndarray], source: str) -> Channels:
    """Find the leads among named arrays, and what else is said of them.

    The leads are the only array of two dimensions, the names an array of eight words or more, the
    units words called `units`, one or one a lead, and the rate is one number called `fs`,
    `sampling_rate` or the like. Of the patient a number called `age` and a word called `sex` count.
    """
    arrays = {name.replace("_", "").lower(): array for name, array in arrays.items()}
    tables = [array for array in arrays.values() if array.ndim == 2]
    if len(tables) != 1:
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
    others = (found for name, found in words.items() if name not in _UNIT_NAMES)
    names = next((found for found in others if len(found) >= FEWEST_LEADS), ())
    single = {
        n: float(a.item()) for n, a in arrays.items() if a.size == 1 and a.dtype.kind in "fiu"
    }
    own = next((single[name] for name in single if name in RATE_NAMES), None)
    sex = next((words[name][0] for name in ("sex", "gender") if len(words.get(name, ())) == 1), "")
    channels = _channels(tables[0], names, source, own, units)
    return replace(channels, taken=Taken.of(age=single.get("age"), sex=sex))


def _words(array: np.ndarray) -> tuple[str, ...]:
    """Return an array of text or bytes as words."""
    words = array.ravel().tolist()
    return tuple(w.decode("latin-1") if isinstance(w, bytes) else str(w) for w in words)


def _each(units: tuple[str, ...], leads: int, source: str) -> tuple[str, ...]:
    """Return a unit for each lead, of one for all, one each, or none."""
    if len(units) not in (0, 1, leads):
        raise ECGError(f"{source} gives {len(units)} units for {leads} leads; give one each.")
    return units if len(units) == leads else (units or (UNSAID,)) * leads


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
