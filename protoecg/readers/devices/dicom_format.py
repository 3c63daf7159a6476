"""DICOM waveforms (12-lead, general and ambulatory ECG): the rhythm strip, through pydicom."""

from __future__ import annotations

import re
import zlib
from io import BytesIO
from logging import CRITICAL, getLogger

import numpy as np
from pydicom import Dataset, config, dcmread
from pydicom.filereader import read_dataset, read_preamble
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)
from pydicom.waveforms import multiplex_array

from protoecg.ecg import ECGError
from protoecg.leads.names import has_all_leads
from protoecg.readers.alignment import aligned
from protoecg.readers.channels import Channel, Channels, worth_reading
from protoecg.readers.moments import moment_in_digits
from protoecg.readers.units import millivolts
from protoecg.readers.voltage import LEFT_EMPTY
from protoecg.taken import Taken

MAX_CHANNELS = 64
# In a row, of a padding value that lies within the ECG: PTB-XL is never at zero for half a second.
FEWEST_PADDED = 500
# Of sequences, each of which takes far more room in memory than in the file.
MAX_ITEMS = 20_000
MAX_INFLATED = 40_000_000

# Warnings would print what is in the file, and so who the patient is.
config.settings.reading_validation_mode = config.IGNORE
getLogger("pydicom").setLevel(CRITICAL)

_MARK = slice(128, 132)
# Behind the mark and the element that says how long the first group is.
_META_AT = 144
# The first element of a file that lacks the 128 bytes and the mark before it.
_NO_PREAMBLE = b"\2\0\0\0UL\4\0"
_ITEMS = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")
# PS3.16 CID 3001: ISO/IEEE 11073-10101 ("2:1") and SCP-ECG ("5.6.3-9-1") number leads alike.
_LEAD_CODE = re.compile(r"(?:2:|5\.6\.3-9-)(\d{1,3})")
_LEAD_OF_CODE = {
    **{1: "I", 2: "II", 61: "III", 62: "aVR", 63: "aVL", 64: "aVF"},
    **{number + 2: f"V{number}" for number in range(1, 8)},
    **{number + 8: f"V{number}R" for number in range(2, 8)},
    **{16: "X", 17: "Y", 18: "Z", 66: "V8", 67: "V9", 68: "V8R", 69: "V9R"},
}
# When: the first of these that is there, each a tag of both or one of the day and one of the time.
_MOMENTS = (
    ("AcquisitionDateTime",),
    ("AcquisitionDate", "AcquisitionTime"),
    ("ContentDate", "ContentTime"),
    ("StudyDate", "StudyTime"),
)
_WHOSE = ("PatientAge", "PatientBirthDate", "PatientSex")
_YEARS_OF = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
# mu-law and A-law: a step of theirs is worth the more the higher it is.
_COMPANDED = ("MB", "AB")
_AVERAGED = re.compile("median|representative|average", re.IGNORECASE)


def is_dicom(content: bytes) -> bool:
    """Whether a file's content is DICOM."""
    return content[_MARK] == b"DICM" or content.startswith(_NO_PREAMBLE)


def is_directory(content: bytes) -> bool:
    """Whether a file is the DICOMDIR of a disk, which lists the files beside it."""
    if not is_dicom(content):
        return False
    try:
        kind = _file_meta(_with_preamble(content)).MediaStorageSOPClassUID
    except Exception:
        # Damaged, in one of the many ways that pydicom has no common name for: refused when read.
        return False
    return kind == MediaStorageDirectoryStorage


def read(content: bytes, source: str) -> Channels:
    """Read the longest simultaneous leads that are no averaged beat."""
    content = _with_preamble(content)
    meta = _file_meta(content)
    syntax = str(meta.TransferSyntaxUID)
    if syntax == DeflatedExplicitVRLittleEndian:
        content = _inflated(content, _META_AT + int(meta.FileMetaInformationGroupLength), source)
    if max(map(content.count, _ITEMS)) > MAX_ITEMS:
        raise ECGError(
            f"{source} is a DICOM file of more than {MAX_ITEMS:,} parts, more than any ECG needs. "
            "Export the ECG alone."
        )
    of_person = [*(tag for tags in _MOMENTS for tag in tags), *_WHOSE]
    dataset = dcmread(BytesIO(content), specific_tags=["WaveformSequence", *of_person])
    rhythm = _rhythm(dataset, source)
    swapped = syntax == ExplicitVRBigEndian
    channels = [c for index in rhythm for c in _channels(dataset, index, source, swapped)]
    kept = worth_reading([channel.name for channel, _ in channels])
    leads, skews = zip(*(channels[i] for i in kept), strict=True)
    read, notes = aligned(leads, skews)
    return Channels(read, source, notes, _taken(dataset))


def _taken(dataset: Dataset) -> Taken:
    moments = ("".join(str(dataset.get(tag, "")) for tag in tags) for tags in _MOMENTS)
    found = (moment_in_digits(one) for one in moments)
    day, clock = next((each for each in found if each[0]), (None, None))
    born, _ = moment_in_digits(str(dataset.get("PatientBirthDate", "")))
    found_age = re.fullmatch(
        r"(\d{3})([DWMY])", str(dataset.get("PatientAge", "")).strip(), re.ASCII
    )
    age = int(found_age[1]) * _YEARS_OF[found_age[2]] if found_age else None
    return Taken.of(day, clock, age=age, born=born, sex=str(dataset.get("PatientSex", "")))


# With how many samples later than its group it begins.
_Skewed = tuple[Channel, float]


def _channels(dataset: Dataset, index: int, source: str, swapped: bool) -> list[_Skewed]:
    group = dataset.WaveformSequence[index]
    _refuse_wrong_size(group, source)
    samples = multiplex_array(dataset, index)
    if swapped:
        samples = samples.byteswap()
    padding, rate = _padding(group, samples.dtype), float(group.SamplingFrequency)
    found = zip(group.ChannelDefinitionSequence, _names(group), samples.T, strict=True)
    return [
        (Channel(name, *_physical(values, channel, padding, rate)), _skew(channel, group))
        for channel, name, values in found
    ]


def _names(group: Dataset) -> list[str]:
    return [_name(channel) for channel in group.ChannelDefinitionSequence]


def _skew(channel: Dataset, group: Dataset) -> float:
    """Return how many samples after its group begins a channel's first one was taken."""
    if "ChannelSampleSkew" in channel:
        return float(channel.ChannelSampleSkew or 0)
    return float(channel.get("ChannelTimeSkew") or 0) * float(group.SamplingFrequency)


def _with_preamble(content: bytes) -> bytes:
    return content if content[_MARK] == b"DICM" else bytes(128) + b"DICM" + content


def _inflated(content: bytes, begin: int, source: str) -> bytes:
    """Return a deflated file as one that is not; what it unpacks to is bounded on the way."""
    data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(content[begin:], MAX_INFLATED + 1)
    if len(data) > MAX_INFLATED:
        raise ECGError(
            f"{source} unpacks to more than {MAX_INFLATED / 1e6:.0f} MB. Export the ECG alone."
        )
    deflated = DeflatedExplicitVRLittleEndian.encode()
    plain = ExplicitVRLittleEndian.encode().ljust(len(deflated), b"\0")
    return content[:begin].replace(deflated, plain) + data


def _file_meta(content: bytes) -> Dataset:
    stream = BytesIO(content)
    read_preamble(stream, force=False)
    return read_dataset(
        stream,
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=lambda tag, *_: tag >> 16 != 2,
    )


def _rhythm(dataset: Dataset, source: str) -> list[int]:
    """Return the groups to read: the longest of all leads, else those that together have them."""
    groups = dataset.get("WaveformSequence") or []
    if not groups:
        raise ECGError(
            f"{source} is a DICOM file without waveforms, perhaps a picture or a report of the "
            "ECG. Export the ECG as DICOM waveform."
        )
    rhythm = [index for index, group in enumerate(groups) if not _is_averaged(group)]
    if not rhythm:
        raise ECGError(
            f"{source} holds only averaged beats, expected the rhythm strip of ten seconds. Export "
            "the whole recording."
        )
    whole = [index for index in rhythm if has_all_leads(_names(groups[index]))]
    if len(rhythm) > 1 and not whole and len({_time(groups[index]) for index in rhythm}) == 1:
        return rhythm
    return [max(whole or rhythm, key=lambda index: _seconds(groups[index]))]


def _seconds(group: Dataset) -> float:
    return float(group.NumberOfWaveformSamples / group.SamplingFrequency)


def _time(group: Dataset) -> tuple[float, ...]:
    """When a group begins, its samples and its rate: what must agree to be read together."""
    offset = float(group.get("MultiplexGroupTimeOffset") or 0)
    return offset, float(group.NumberOfWaveformSamples), float(group.SamplingFrequency)


def _is_averaged(group: Dataset) -> bool:
    return bool(_AVERAGED.search(str(group.get("MultiplexGroupLabel", ""))))


def _refuse_wrong_size(group: Dataset, source: str) -> None:
    channels, samples = group.NumberOfWaveformChannels, group.NumberOfWaveformSamples
    if not 1 <= channels <= MAX_CHANNELS or channels != len(group.ChannelDefinitionSequence):
        raise ECGError(
            f"{source} announces {channels} channels and describes "
            f"{len(group.ChannelDefinitionSequence)}, expected 8 to {MAX_CHANNELS} of both. Export "
            "the ECG again."
        )
    if (law := str(group.get("WaveformSampleInterpretation", ""))) in _COMPANDED:
        raise ECGError(
            f"{source} stores its samples by a law of telephones ({law}), which is not read. "
            "Export the ECG in whole numbers of 16 bits (SS)."
        )
    held, announced = len(group.WaveformData), channels * samples * group.WaveformBitsAllocated // 8
    if held < announced:
        raise ECGError(
            f"{source} holds {held:,} bytes of samples, but announces {announced:,}: the copy is "
            "incomplete or damaged. Copy or export it again."
        )


def _name(channel: Dataset) -> str:
    """Return a channel's lead by its code, else what the file calls it."""
    source = (channel.get("ChannelSourceSequence") or [Dataset()])[0]
    code = _LEAD_CODE.fullmatch(str(source.get("CodeValue", "")))
    if code and (lead := _LEAD_OF_CODE.get(int(code[1]))):
        return lead
    # "Lead I (Einthoven)", "aVR, augmented voltage, right"
    words = str(source.get("CodeMeaning", "") or channel.get("ChannelLabel", ""))
    return re.split("[,(]", words)[0].strip()


def _padding(group: Dataset, dtype: np.dtype) -> np.ndarray | None:
    """Return the value that stands for a missing sample."""
    value = group.get("WaveformPaddingValue")
    if value is None:
        return None
    if isinstance(value, bytes):
        return np.frombuffer(value[: dtype.itemsize], dtype)[0]
    return np.asarray(value).astype(dtype)


def _physical(
    values: np.ndarray, channel: Dataset, padding: np.ndarray | None, rate: float
) -> tuple[np.ndarray, float, str | None]:
    """Return a channel's values in its unit, missing samples as NaN, its rate and its unit."""
    scaled, unit = values.astype(np.float32), None
    if "ChannelSensitivity" in channel:
        gain = float(channel.ChannelSensitivity) * float(
            channel.get("ChannelSensitivityCorrectionFactor") or 1
        )
        baseline = np.float32(channel.get("ChannelBaseline") or 0)
        units = channel.get("ChannelSensitivityUnitsSequence") or [Dataset()]
        spelt = [str(units[0].get(name, "")) for name in ("CodeValue", "CodeMeaning")]
        unit = next(filter(millivolts, spelt), spelt[0]) or LEFT_EMPTY
        scaled = scaled * np.float32(gain) + baseline
    if padding is not None:
        scaled[_missing(values, padding)] = np.nan
    return scaled, rate, unit


def _missing(values: np.ndarray, padding: np.ndarray) -> np.ndarray:
    """Which samples are padding: (n,) bool.

    Some writers name a value that samples have as well, such as 0. It is a sample, then, unless
    it stands for long, or beyond all others.
    """
    padded = values == padding
    others = values[~padded]
    if not len(others) or not others.min() < padding < others.max():
        return padded
    edges = np.flatnonzero(np.diff(padded, prepend=False, append=False))
    runs = edges.reshape(-1, 2)
    missing = np.zeros(len(values), dtype=bool)
    for start, end in runs[np.diff(runs, axis=1)[:, 0] >= FEWEST_PADDED]:
        missing[start:end] = True
    return missing
