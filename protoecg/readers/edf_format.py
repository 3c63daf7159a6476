"""EDF and EDF+: the samples through edfio; who the patient is stays unread."""

from __future__ import annotations

import numpy as np
from edfio import EdfSignal, read_edf

from protoecg.ecg import ECGError, lead_named
from protoecg.readers.recording import Recording
from protoecg.readers.units import factor

MAX_CHANNELS = 256
_VERSION = b"0       "


def is_edf(content: bytes) -> bool:
    """Whether a file's content is EDF or EDF+."""
    return content.startswith(_VERSION)


def read(content: bytes, source: str) -> Recording:
    """Read the leads by their labels; other signals and annotations are left out."""
    _refuse_wrong_size(content, source)
    edf = read_edf(content, header_encoding="latin-1")
    if edf.reserved.startswith("EDF+D") and not edf.is_continuous:
        raise ECGError(
            f"{source} is an interrupted recording (EDF+D): time is missing between its parts. "
            "Export one uninterrupted part."
        )
    leads = [signal for signal in edf.signals if lead_named(signal.label)]
    if len({signal.sampling_frequency for signal in leads}) > 1:
        raise ECGError(f"The leads of {source} have different sampling rates; export them at one.")
    millivolts = [_millivolts(signal) for signal in leads]
    names = [signal.label for signal in leads] or [signal.label for signal in edf.signals]
    rate = leads[0].sampling_frequency if leads else 0.0
    notes = tuple(note for _, found in millivolts for note in found)
    return Recording.from_leads([values for values, _ in millivolts], names, rate, source, notes)


def _refuse_wrong_size(content: bytes, source: str) -> None:
    """Compare what the header announces with the file, before anything of that size is made."""
    try:
        header_bytes, records, channels = (
            int(content[a:b]) for a, b in ((184, 192), (236, 244), (252, 256))
        )
        at = 256 + 216 * channels
        per_record = [int(content[i : i + 8]) for i in range(at, at + 8 * channels, 8)]
    except ValueError as error:
        raise ECGError(f"{source} is a damaged EDF file. Export the ECG again.") from error
    if not 1 <= channels <= MAX_CHANNELS:
        raise ECGError(
            f"{source} announces {channels} EDF signals, expected 1 to {MAX_CHANNELS}. Export the "
            "ECG again."
        )
    held = len(content) - header_bytes
    announced = records * 2 * sum(per_record)
    if header_bytes != 256 * (channels + 1) or min(per_record) < 0 or not 0 < announced <= held:
        raise ECGError(
            f"{source} holds {held:,} bytes of samples, but its EDF header announces "
            f"{announced:,}: the copy is incomplete or damaged. Copy or export it again."
        )


def _millivolts(signal: EdfSignal) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return a signal in mV, and what was assumed about its unit."""
    if signal.digital_max <= signal.digital_min or signal.physical_max == signal.physical_min:
        raise ECGError(
            f"Lead {lead_named(signal.label)} has an empty range in its EDF header, so its "
            "millivolts are unknown. Export the ECG with calibrated leads."
        )
    to_mv, notes = factor(signal.physical_dimension, str(lead_named(signal.label)))
    return (signal.data * to_mv).astype(np.float32), notes
