"""WFDB records: the samples that a checked header announces, through the wfdb library."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from io import BytesIO
from itertools import accumulate, groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
import wfdb

from protoecg.ecg import ECGError
from protoecg.leads.names import has_all_leads, lead_named
from protoecg.readers.alignment import aligned
from protoecg.readers.channels import Channel, Channels, worth_reading
from protoecg.readers.wfdb_header import (
    BYTES_PER_SAMPLE,
    MAX_SAMPLES,
    PACKED,
    Described,
    parse_header,
)

# How samples lie in a file, by format.
_SIXTEEN_BITS = {"16": "<i2", "61": ">i2"}


def finder(names: Iterable[str]) -> Callable[[str], str | None]:
    """Return what finds the one of `names` that is meant by a name: copies may differ in case.

    Folders, with `/` between them, count as they are written.
    """
    exact = set(names)
    by_lower_case = {_in_lower_case(name): name for name in sorted(exact)}
    return lambda name: name if name in exact else by_lower_case.get(_in_lower_case(name))


def _in_lower_case(name: str) -> str:
    folder, slash, file = name.rpartition("/")
    return folder + slash + file.lower()


def read(files: Mapping[str, bytes], header_name: str) -> Channels:
    """Read the record of one header among files that were given together."""
    header = parse_header(files[header_name])
    read = _described_and_given(header.channels, files)
    contents = {name: _partner(files, name) for name in dict.fromkeys(c.file for c in read)}
    channels = [c for c in header.channels if c.file in contents]
    _refuse_scattered_files(channels)
    frames = _frames(header.frames, channels, contents)
    record = _read_samples(header.frames_per_s, frames, channels, contents)
    wrong = _checksum_note(channels, record.calc_checksum(expanded=True))
    # In place: a long recording is in memory once.
    record.dac(expanded=True, return_res=32, inplace=True)
    found = [
        (_channel(c, values, header.frames_per_s), -c.skew * c.samples_per_frame)
        for c, values in zip(channels, record.e_p_signal, strict=True)
        if c in read
    ]
    leads, shifted = aligned(*zip(*found, strict=True))
    return Channels(leads, Path(header_name).stem, (*wrong, *shifted), header.taken)


def _described_and_given(
    channels: Sequence[Described], files: Mapping[str, bytes]
) -> list[Described]:
    """Return the channels to read: leads beside the twelve where their file was given too."""
    find, names = finder(files), [channel.name for channel in channels]
    needed = has_all_leads(names)
    worth = [channels[i] for i in worth_reading(names)]
    return [c for c in worth if not needed or lead_named(c.name) or find(c.file)]


def _channel(described: Described, values: np.ndarray, frames_per_s: float) -> Channel:
    rate = frames_per_s * described.samples_per_frame
    return Channel(described.name, values, rate, described.unit, described.notes)


def _partner(files: Mapping[str, bytes], name: str) -> bytes:
    partner = finder(files)(name)
    if partner is None:
        raise ECGError(
            "The header was given without the signal file that it names, as a rule of the same "
            "name and ending in .dat or .mat; select both files."
        )
    content = files[partner]
    if content.startswith(b"MATLAB 5.0"):
        raise ECGError(
            "The signal file is a MATLAB 5 file; a WFDB record has its samples in MATLAB 4 format "
            "or in a .dat file. Export the ECG as .dat."
        )
    return content


def _refuse_scattered_files(channels: Iterable[Described]) -> None:
    # WFDB wants the signals of a file together; the wfdb library mixes up others.
    files = [file for file, _ in groupby(c.file for c in channels)]
    if len(files) > len(set(files)):
        raise ECGError(
            "The header mixes the signals of several files, where those of one file must stand "
            "together. Export the ECG again."
        )


def _frames(
    announced: int | None, channels: Iterable[Described], contents: Mapping[str, bytes]
) -> int:
    """Frames to read, after every file is known to hold them."""
    held = min(_frames_held(file, channels, content) for file, content in contents.items())
    if announced is None or held >= announced:
        return _refuse_many(announced or held, channels)
    raise ECGError(
        f"The signal file ends after {held:,} of {announced:,} samples: the copy is incomplete, or "
        "the file belongs to another header. Copy it again."
    )


def _refuse_many(frames: int, channels: Iterable[Described]) -> int:
    samples = frames * sum(c.samples_per_frame for c in channels)
    if samples > MAX_SAMPLES:
        raise ECGError(
            f"The record holds {samples:,} samples, at most {MAX_SAMPLES:,} are read. Export a "
            "shorter part of the recording; ten seconds are enough."
        )
    return frames


def _frames_held(file: str, channels: Iterable[Described], content: bytes) -> int:
    own = [c for c in channels if c.file == file]
    if len({(c.format, c.offset) for c in own}) > 1:
        raise ECGError("The header gives several formats for one file; export the ECG again.")
    if own[0].format in PACKED:
        return _packed_samples(content) // own[0].samples_per_frame
    size = BYTES_PER_SAMPLE[own[0].format] * sum(c.samples_per_frame for c in own)
    return max(int((len(content) - own[0].offset) / size), 0)


def _packed_samples(content: bytes) -> int:
    try:
        return soundfile.info(BytesIO(content)).frames
    except soundfile.SoundFileError:
        raise ECGError(
            "The signal file is not the FLAC file that its header announces. Copy it again."
        ) from None


def _read_samples(
    rate: float, frames: int, channels: list[Described], contents: Mapping[str, bytes]
) -> wfdb.Record:
    """Return the samples as they are stored, for the wfdb library to check and convert."""
    samples: list[np.ndarray] = []
    for name, content in contents.items():
        own = [c for c in channels if c.file == name]
        if own[0].format in _SIXTEEN_BITS:
            samples += _of_sixteen_bits(frames, own, content)
        else:
            samples += _by_the_library(rate, frames, own, content)
    return wfdb.Record(
        e_d_signal=samples,
        n_sig=len(channels),
        fs=rate,
        sig_len=frames,
        fmt=["16" if c.format in _SIXTEEN_BITS else c.format for c in channels],
        adc_gain=[c.gain for c in channels],
        baseline=[c.baseline for c in channels],
    )


def _of_sixteen_bits(frames: int, channels: list[Described], content: bytes) -> list[np.ndarray]:
    """Read the format of nearly all records, for which the library takes four times as long.

    Format 61, its bytes the other way round, the library misreads.
    """
    sizes = [c.samples_per_frame for c in channels]
    stored = np.frombuffer(
        content,
        _SIXTEEN_BITS[channels[0].format],
        count=frames * sum(sizes),
        offset=channels[0].offset,
    ).reshape(frames, sum(sizes))
    ends = list(accumulate(sizes))
    return [stored[:, end - size : end].ravel() for size, end in zip(sizes, ends, strict=True)]


def _by_the_library(
    rate: float, frames: int, channels: list[Described], content: bytes
) -> list[np.ndarray]:
    """Let the wfdb library decode a file that has our name and a header that we wrote."""
    header = [f"record {len(channels)} {rate:f} {frames}"]
    header += [
        f"signal.dat {c.format}x{c.samples_per_frame}+{c.offset} {c.gain!r}({c.baseline})/mV "
        f"0 0 {c.first_value} 0 0 channel{i}"
        for i, c in enumerate(channels)
    ]
    with TemporaryDirectory(prefix="protoecg-") as folder:
        Path(folder, "record.hea").write_text("\n".join(header) + "\n", encoding="ascii")
        Path(folder, "signal.dat").write_bytes(content)
        record = wfdb.rdrecord(str(Path(folder, "record")), physical=False, smooth_frames=False)
    return record.e_d_signal


def _checksum_note(channels: Iterable[Described], computed: Iterable[int]) -> tuple[str, ...]:
    pairs = zip(channels, computed, strict=True)
    wrong = [
        str(lead_named(c.name))
        for c, value in pairs
        # A checksum of 0 is what writers put that do not compute any; both signs are in use.
        if lead_named(c.name) and c.checksum and (value - c.checksum) % 65536
    ]
    if not wrong:
        return ()
    return (
        f"The samples of {', '.join(wrong)} differ from the header's checksum: the files may be "
        "damaged, changed, or not belong together.",
    )
