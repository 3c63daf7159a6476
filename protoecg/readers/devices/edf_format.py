"""EDF, EDF+ and BDF: the samples through edfio, and when and of whom they are."""

from __future__ import annotations

import warnings
from contextlib import suppress
from dataclasses import dataclass

from edfio import AnonymizedDateError, Bdf, BdfSignal, Edf, EdfSignal, read_bdf, read_edf

from protoecg.ecg import ECGError
from protoecg.readers.channels import Channel, Channels, worth_reading
from protoecg.readers.voltage import LEFT_EMPTY
from protoecg.taken import Taken

# They would print dates of the file.
warnings.filterwarnings("ignore", module="edfio")

MAX_CHANNELS = 256
_EDF, _BDF = b"0       ", b"\xffBIOSEMI"
_RECORDS = slice(236, 244)


@dataclass(frozen=True)
class _Sizes:
    """What a header announces: its own bytes, data records (-1: not known), bytes of each."""

    header: int
    records: int
    record: int


def is_edf(content: bytes) -> bool:
    """Whether a file's content is EDF, EDF+, or BDF with its samples of three bytes."""
    return content.startswith((_EDF, _BDF))


def read(content: bytes, source: str) -> Channels:
    """Read the leads by their labels; other signals and annotations are left out."""
    content = _with_records(content, _sizes(content, source), source)
    edf = (read_bdf if content.startswith(_BDF) else read_edf)(content, header_encoding="latin-1")
    if edf.reserved.startswith(("EDF+D", "BDF+D")) and not edf.is_continuous:
        raise ECGError(
            f"{source} is an interrupted recording ({edf.reserved[:5]}): time is missing between "
            "its parts. Export one uninterrupted part."
        )
    kept = worth_reading([signal.label for signal in edf.signals])
    channels = [_channel(edf.signals[i]) for i in kept]
    return Channels(channels, source, taken=_taken(edf))


def _taken(edf: Edf | Bdf) -> Taken:
    """Return when it was taken; and of whom, where that is written as EDF+ has it."""
    day = clock = born = None
    # Where it is anonymised, or is nothing that can be read.
    with suppress(ValueError, ArithmeticError, LookupError):
        day, clock = edf.startdate, edf.starttime
    try:
        born = edf.patient.birthdate
    except AnonymizedDateError:
        pass
    except ValueError:
        # Free words, in which a letter by itself is no sex.
        return Taken.of(day, clock)
    return Taken.of(day, clock, born=born, sex=edf.patient.sex)


def _sizes(content: bytes, source: str) -> _Sizes:
    """Read what the header announces, before anything of that size is made."""
    try:
        header_bytes, records, channels = (
            int(content[part]) for part in (slice(184, 192), _RECORDS, slice(252, 256))
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
    width = 3 if content.startswith(_BDF) else 2
    record = width * sum(per_record) if min(per_record) >= 0 else 0
    if header_bytes != 256 * (channels + 1) or record == 0:
        raise ECGError(f"{source} is a damaged EDF file. Export the ECG again.")
    return _Sizes(header_bytes, records, record)


def _with_records(content: bytes, sizes: _Sizes, source: str) -> bytes:
    """Return the file with as many records as it holds, where a recorder left -1 for them."""
    held = len(content) - sizes.header
    if sizes.records == -1 and held >= sizes.record:
        whole = held // sizes.record
        content = content[: sizes.header + whole * sizes.record]
        return content[:236] + f"{whole:<8}".encode() + content[244:]
    announced = sizes.records * sizes.record
    if not 0 < announced <= held:
        raise ECGError(
            f"{source} holds {held:,} bytes of samples, but its EDF header announces "
            f"{announced:,}: the copy is incomplete or damaged. Copy or export it again."
        )
    return content


def _channel(signal: EdfSignal | BdfSignal) -> Channel:
    # Of an empty range nobody knows how large a count is.
    if signal.digital_max <= signal.digital_min or signal.physical_max == signal.physical_min:
        return Channel(signal.label, signal.digital, signal.sampling_frequency, None)
    unit = signal.physical_dimension.strip() or LEFT_EMPTY
    return Channel(signal.label, signal.data, signal.sampling_frequency, unit)
