"""NPY files: one array of twelve leads in the standard order, in millivolts."""

from __future__ import annotations

from io import BytesIO
from math import prod

import numpy as np
from numpy.lib import format as npy

from protoecg.ecg import ECG, LEADS, ECGError

ORDER_NOTE = (
    "The file names no leads: the order I, II, III, aVR, aVL, aVF, V1 to V6 and millivolts are "
    "assumed."
)


def is_npy(content: bytes) -> bool:
    """Whether a file's content is an NPY array."""
    return content.startswith(npy.MAGIC_PREFIX)


def read(content: bytes, source: str, *, rate: float | None = None) -> ECG:
    """Read an array of shape (12, n) or (n, 12); `rate` in Hz is needed."""
    shape = _checked_shape(content, source)
    if rate is None:
        raise ECGError(
            f"{source} does not say its sampling rate. Give the rate in Hz, such as 500."
        )
    signal = np.load(BytesIO(content), allow_pickle=False)
    return ECG(signal if shape[0] == len(LEADS) else signal.T, rate, source, (ORDER_NOTE,))


def _checked_shape(content: bytes, source: str) -> tuple[int, ...]:
    """Believe the array's own header only once it agrees with the size of the file."""
    stream = BytesIO(content)
    try:
        version = npy.read_magic(stream)
        header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = header(stream)
    except (ValueError, SyntaxError, RecursionError, MemoryError) as error:
        raise ECGError(f"{source} is a damaged NPY file. Save the array again.") from error
    if dtype.kind not in "fiu" or dtype.hasobject:
        raise ECGError(
            f"{source} holds {dtype}, expected real numbers in millivolts, such as float32."
        )
    if len(shape) != 2 or len(LEADS) not in shape or min(shape) < 0:
        raise ECGError(
            f"{source} has the shape {shape}, expected (12, samples) or (samples, 12): the twelve "
            "leads in the order I, II, III, aVR, aVL, aVF, V1 to V6."
        )
    if prod(shape) * dtype.itemsize != len(content) - stream.tell():
        raise ECGError(f"{source} is incomplete or damaged. Copy or save it again.")
    return shape
