"""NPY and NPZ files: one array of leads in millivolts, in NPZ perhaps with names and rate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from io import BytesIO
from math import prod

import numpy as np
from numpy.lib import format as npy

from protoecg.ecg import LEADS, ECGError, lead_named
from protoecg.readers.recording import RATE_NAMES, Recording, rate_note
from protoecg.readers.units import factor

MAX_WORDS = 256

ORDER_NOTE = (
    "The file names no leads: the order I, II, III, aVR, aVL, aVF, V1 to V6 and millivolts are "
    "assumed."
)
# Arrays of words under these names are units of the leads; all others are their names.
_UNIT_NAMES = {"unit", "units", "leadunits", "sigunits"}
_WORDS = "US"
FEWEST_LEADS = 8


def is_npy(content: bytes) -> bool:
    """Whether a file's content is an NPY array."""
    return content.startswith(npy.MAGIC_PREFIX)


def read(content: bytes, source: str, *, rate: float | None = None) -> Recording:
    """Read an array of shape (12, n) or (n, 12); `rate` in Hz is needed."""
    return _recording(_load(content, source), LEADS, source, rate, (ORDER_NOTE,))


def read_archive(
    files: Mapping[str, bytes], source: str, *, rate: float | None = None
) -> Recording:
    """Read the arrays of an NPZ file: the leads, perhaps their names, units and rate."""
    arrays = {name.removesuffix(".npy"): _load(content, source) for name, content in files.items()}
    return from_arrays(arrays, source, rate=rate)


def from_arrays(
    arrays: Mapping[str, np.ndarray], source: str, *, rate: float | None = None
) -> Recording:
    """Find the leads among named arrays, and what else is said of them.

    The leads are the only array of two dimensions, the names an array of eight words or more, the
    units words called `units`, one or one a lead, and the rate is one number called `fs`,
    `sampling_rate` or the like.
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
    names = next((found for found in others if len(found) >= FEWEST_LEADS), LEADS)
    own = [
        float(array.item())
        for name, array in arrays.items()
        if name in RATE_NAMES and array.size == 1 and array.dtype.kind in "fiu"
    ]
    notes = rate_note(rate, own[0]) if own else ()
    notes = (*notes, *(() if names is not LEADS else (ORDER_NOTE,)))
    return _recording(tables[0], names, source, own[0] if own else rate, notes, units)


def _words(array: np.ndarray) -> tuple[str, ...]:
    """Return an array of text or bytes as words."""
    words = array.ravel().tolist()
    return tuple(w.decode("latin-1") if isinstance(w, bytes) else str(w) for w in words)


def _to_millivolts(
    leads: np.ndarray, names: Sequence[str], units: tuple[str, ...], source: str
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Scale leads (k, n) by one unit, or one a lead."""
    if not units:
        return leads, ()
    if len(units) not in (1, len(names)):
        raise ECGError(f"{source} gives {len(units)} units for {len(names)} leads; give one each.")
    each = units if len(units) == len(names) else units * len(names)
    found = [factor(unit, str(lead_named(name))) for unit, name in zip(each, names, strict=True)]
    notes = dict.fromkeys(note for _, assumed in found for note in assumed)
    return leads * np.array([[to_mv] for to_mv, _ in found]), tuple(notes)


def _recording(
    signal: np.ndarray,
    names: Sequence[str],
    source: str,
    rate: float | None,
    notes: tuple[str, ...],
    units: tuple[str, ...] = (),
) -> Recording:
    if signal.dtype.kind not in "fiu":
        raise ECGError(
            f"{source} holds {signal.dtype.name}, expected real numbers in millivolts, such as "
            "float32."
        )
    if signal.ndim != 2 or len(names) not in signal.shape:
        raise ECGError(
            f"{source} has the shape {signal.shape}, expected ({len(names)}, samples) or (samples, "
            f"{len(names)}): the twelve leads in the order I, II, III, aVR, aVL, aVF, V1 to V6."
        )
    if rate is None:
        raise ECGError(
            f"{source} does not say its sampling rate. Give the rate in Hz, such as 500."
        )
    leads = signal if signal.shape[0] == len(names) else signal.T
    leads, assumed = _to_millivolts(leads, names, units, source)
    return Recording.from_leads(leads, names, rate, source, (*notes, *assumed))


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
