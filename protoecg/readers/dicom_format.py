"""DICOM waveforms (12-lead, general and ambulatory ECG): the rhythm strip, through pydicom."""

from __future__ import annotations

import re
from io import BytesIO
from logging import CRITICAL, getLogger

import numpy as np
from pydicom import Dataset, config, dcmread
from pydicom.filereader import read_dataset, read_preamble
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian
from pydicom.waveforms import multiplex_array

from protoecg.ecg import ECGError, lead_named
from protoecg.readers.recording import Recording
from protoecg.readers.units import factor

MAX_CHANNELS = 64

# Warnings would print what is in the file, and so who the patient is.
config.settings.reading_validation_mode = config.IGNORE
getLogger("pydicom").setLevel(CRITICAL)

_MARK = slice(128, 132)
# PS3.16 CID 3001: ISO/IEEE 11073-10101 ("2:1") and SCP-ECG ("5.6.3-9-1") number leads alike.
_LEAD_CODE = re.compile(r"(?:2:|5\.6\.3-9-)(\d{1,3})")
_LEAD_OF_CODE = {
    **{1: "I", 2: "II", 61: "III", 62: "aVR", 63: "aVL", 64: "aVF"},
    **{number + 2: f"V{number}" for number in range(1, 7)},
}
_AVERAGED = re.compile("median|representative|average", re.IGNORECASE)


def is_dicom(content: bytes) -> bool:
    """Whether a file's content is DICOM."""
    return content[_MARK] == b"DICM"


def read(content: bytes, source: str) -> Recording:
    """Read the longest group of simultaneous leads that is no averaged beat."""
    syntax = _transfer_syntax(content)
    # It would be unpacked as a whole, however large that is.
    if syntax == DeflatedExplicitVRLittleEndian:
        raise ECGError(
            f"{source} is a deflated DICOM file, which is not read. Export it uncompressed "
            "(Explicit VR Little Endian)."
        )
    dataset = dcmread(BytesIO(content), specific_tags=["WaveformSequence"])
    index = _rhythm(dataset, source)
    group = dataset.WaveformSequence[index]
    _refuse_wrong_size(group, source)
    samples = multiplex_array(dataset, index)
    if syntax == ExplicitVRBigEndian:
        samples = samples.byteswap()
    channels = group.ChannelDefinitionSequence
    names = [_name(channel) for channel in channels]
    padding = _padding(group, samples.dtype)
    scaled = [
        _millivolts(samples[:, i], channel, name, padding)
        for i, (channel, name) in enumerate(zip(channels, names, strict=True))
        if lead_named(name)
    ]
    return Recording.from_leads(
        [values for values, _ in scaled],
        [name for name in names if lead_named(name)] or names,
        float(group.SamplingFrequency),
        source,
        tuple(note for _, found in scaled for note in found),
    )


def _transfer_syntax(content: bytes) -> str:
    stream = BytesIO(content)
    read_preamble(stream, force=False)
    meta = read_dataset(
        stream,
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=lambda tag, *_: tag >> 16 != 2,
    )
    return str(meta.TransferSyntaxUID)


def _rhythm(dataset: Dataset, source: str) -> int:
    """Return the number of the group to read."""
    groups = dataset.get("WaveformSequence") or []
    if not groups:
        raise ECGError(
            f"{source} is a DICOM file without waveforms, perhaps a picture or a report of the "
            "ECG. Export the ECG as DICOM waveform."
        )
    seconds = {
        index: group.NumberOfWaveformSamples / group.SamplingFrequency
        for index, group in enumerate(groups)
        if not _is_averaged(group)
    }
    if not seconds:
        raise ECGError(
            f"{source} holds only averaged beats, expected the rhythm strip of ten seconds. Export "
            "the whole recording."
        )
    return max(seconds, key=lambda index: seconds[index])


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
    held, announced = len(group.WaveformData), channels * samples * group.WaveformBitsAllocated // 8
    if held < announced:
        raise ECGError(
            f"{source} holds {held:,} bytes of samples, but announces {announced:,}: the copy is "
            "incomplete or damaged. Copy or export it again."
        )


def _name(channel: Dataset) -> str:
    """Return a channel's lead by its code, else what the file calls it."""
    source = channel.ChannelSourceSequence[0]
    code = _LEAD_CODE.fullmatch(str(source.get("CodeValue", "")))
    if code and (lead := _LEAD_OF_CODE.get(int(code[1]))):
        return lead
    # "Lead I (Einthoven)", "aVR, augmented voltage, right"
    return re.split("[,(]", str(source.get("CodeMeaning", "")))[0].strip()


def _padding(group: Dataset, dtype: np.dtype) -> np.ndarray | None:
    """Return the value that stands for a missing sample."""
    value = group.get("WaveformPaddingValue")
    if value is None:
        return None
    if isinstance(value, bytes):
        return np.frombuffer(value[: dtype.itemsize], dtype)[0]
    return np.asarray(value).astype(dtype)


def _millivolts(
    values: np.ndarray, channel: Dataset, name: str, padding: np.ndarray | None
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return a lead in mV, missing samples as NaN, and what was assumed about its unit."""
    if "ChannelSensitivity" not in channel:
        raise ECGError(
            f"Lead {lead_named(name)} has no sensitivity in the DICOM file, so its millivolts are "
            "unknown. Export the ECG with calibrated leads."
        )
    gain = float(channel.ChannelSensitivity) * float(
        channel.get("ChannelSensitivityCorrectionFactor") or 1
    )
    units = channel.get("ChannelSensitivityUnitsSequence") or [Dataset()]
    to_mv, notes = factor(str(units[0].get("CodeValue", "")), str(lead_named(name)))
    baseline = float(channel.get("ChannelBaseline") or 0)
    scaled = (values * np.float32(gain * to_mv) + np.float32(baseline * to_mv)).astype(np.float32)
    if padding is not None:
        scaled[values == padding] = np.nan
    return scaled, notes
