"""WFDB records: a header checked field by field, then the samples through the wfdb library."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from io import BytesIO
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile
import wfdb

from protoecg.ecg import ECGError, lead_named
from protoecg.readers.recording import Recording, rate_note
from protoecg.readers.units import factor, millivolts

MAX_CHANNELS = 64
MAX_HEADER_BYTES = 100_000
MAX_LINE = 1000
MAX_SAMPLES = 15_000_000

_BYTES_PER_SAMPLE = {
    "8": Fraction(1),
    "16": Fraction(2),
    "24": Fraction(3),
    "32": Fraction(4),
    "61": Fraction(2),
    "80": Fraction(1),
    "160": Fraction(2),
    "212": Fraction(3, 2),
    "310": Fraction(4, 3),
    "311": Fraction(4, 3),
}

_BIG_ENDIAN = "61"
# FLAC; how much it holds stands in the signal file itself.
_PACKED = {"508", "516", "524"}
_FORMATS = (*_BYTES_PER_SAMPLE, *sorted(_PACKED))
_RECORD_LINE = re.compile(
    r"""(?P<record>[^\s/,;]+)(/(?P<segments>\d{1,9}))?
    \s+(?P<channels>\d{1,9})
    (\s+(?P<rate>\d{1,9}(\.\d*)?|\.\d+)(/\S*)?
    (\s+(?P<samples>\d{1,12})(\s.*)?)?)?""",
    re.VERBOSE,
)
_SIGNAL_LINE = re.compile(
    r"""(?P<file>\S+)
    \s+(?P<format>\d{1,4})(x(?P<frame>\d{1,9}))?(:(?P<skew>\d{1,9}))?(\+(?P<offset>\d{1,9}))?
    (\s+(?P<gain>[+-]?(\d{1,20}(\.\d*)?|\.\d+)(e[+-]?\d{1,3})?)
        (\((?P<baseline>[+-]?\d{1,10})\))?(/(?P<unit>\S+))?)?
    (?P<numbers>(\s+[+-]?\d{1,10}(?=\s|$)){0,5})
    (\s+(?P<name>\S.*))?""",
    re.VERBOSE | re.IGNORECASE,
)
# No separator of any system, no drive, no scheme, no "..", no home folder.
_PLAIN_NAME = re.compile(r"\w[\w.()+=@-]*")


@dataclass(frozen=True)
class Channel:
    """One signal line of a header; `gain` is in digital units per `unit`."""

    file: str
    format: str
    samples_per_frame: int
    offset: int
    gain: float
    baseline: int
    unit: str
    first_value: int
    checksum: int | None
    name: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Header:
    """A single-segment header: frames per second, frames (None if not said), channels."""

    frames_per_s: float
    frames: int | None
    channels: tuple[Channel, ...]


def is_header(content: bytes) -> bool:
    """Whether a file's content is a WFDB header."""
    lines = _lines(content[:MAX_HEADER_BYTES])
    if not lines or not (record := _RECORD_LINE.fullmatch(lines[0][:MAX_LINE])):
        return False
    if record["segments"] or len(lines) == 1:
        return True
    # A table of numbers can look like a record line; no signal file is named by a number.
    words = lines[1].split()
    return len(words) > 1 and not _is_number(words[0])


def signal_files(content: bytes) -> tuple[str, ...]:
    """Names of the signal files that hold the twelve leads, each a plain name without a path."""
    channels = parse_header(content).channels
    return tuple(dict.fromkeys(c.file for c in channels if lead_named(c.name)))


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


def parse_header(content: bytes) -> Header:
    """Read a header, with nothing of it kept but what the samples need.

    Comments and the time of the recording may tell who the patient is; they are dropped here.

    Raises
    ------
    ECGError
        If the header is not one of a single-segment record, names files outside its folder, or
        holds numbers that no ECG has.
    """
    if len(content) > MAX_HEADER_BYTES:
        raise ECGError(f"The header has {len(content):,} bytes, too many for a WFDB header.")
    lines = _lines(content)
    if max(map(len, lines), default=0) > MAX_LINE:
        raise ECGError("The header has a line longer than any of WFDB's; export the ECG again.")
    record = _RECORD_LINE.fullmatch(lines[0]) if lines else None
    if record is None:
        raise ECGError(_cannot_understand("first line"))
    if record["segments"]:
        raise ECGError(
            "The header is one of a multi-segment record, which joins several recordings. Give "
            "the header of a single segment that lasts ten seconds or more."
        )
    if record["rate"] is None:
        raise ECGError("The header gives no sampling rate. Export the ECG with its rate.")
    count = int(record["channels"])
    if not 1 <= count <= MAX_CHANNELS:
        raise ECGError(f"The header announces {count} channels, expected 12 to {MAX_CHANNELS}.")
    if len(lines) - 1 < count:
        raise ECGError(
            f"The header announces {count} channels but describes {len(lines) - 1}: it is "
            "incomplete. Copy or export it again."
        )
    channels = tuple(_channel(line, i) for i, line in enumerate(lines[1 : count + 1]))
    frames = int(record["samples"] or 0) or None
    return Header(float(record["rate"]), frames, channels)


def read(files: Mapping[str, bytes], header_name: str, *, rate: float | None = None) -> Recording:
    """Read the record of one header among files that were given together.

    The header's own rate counts; another `rate` is only noted.
    """
    header = parse_header(files[header_name])
    wanted = dict.fromkeys(c.file for c in header.channels if lead_named(c.name))
    if not wanted:
        raise ECGError(
            f"None of the header's {len(header.channels)} channels is an ECG lead. All twelve "
            "standard leads are needed; export the full 12-lead ECG."
        )
    contents = {name: _partner(files, name) for name in wanted}
    channels = [c for c in header.channels if c.file in wanted]
    _refuse_scattered_files(channels)
    frames = _frames(header.frames, channels, contents)
    leads = [c for c in channels if lead_named(c.name)]
    true_rate = header.frames_per_s * _common_frame(leads)
    record = _read_samples(header.frames_per_s, frames, channels, contents)
    notes = (
        *rate_note(rate, true_rate),
        *(note for c in leads for note in c.notes),
        *_checksum_note(channels, record.calc_checksum(expanded=True)),
    )
    # In place: a long recording is in memory once.
    record.dac(expanded=True, return_res=32, inplace=True)
    signal = [
        np.multiply(values, millivolts(channel.unit) or 1.0, out=values, dtype=np.float32)
        for values, channel in zip(record.e_p_signal, channels, strict=True)
        if channel in leads
    ]
    return Recording.from_leads(
        signal, [c.name for c in leads], true_rate, Path(header_name).stem, notes
    )


def _lines(content: bytes) -> list[str]:
    """Lines that are neither empty nor comments."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    lines = (line.strip() for line in re.split(r"[\r\n]+", text))
    return [line for line in lines if line and not line.startswith("#")]


def _is_number(word: str) -> bool:
    try:
        float(word.replace(",", "."))
    except ValueError:
        return False
    return True


def _cannot_understand(what: str) -> str:
    # The line itself stays unsaid: it may name the patient.
    return (
        f"The {what} of the header is not understood, expected a WFDB header (.hea). Export the "
        "ECG again."
    )


def _channel(line: str, index: int) -> Channel:
    match = _SIGNAL_LINE.fullmatch(line)
    if match is None:
        _refuse_foreign_file(line.split()[0])
        raise ECGError(_cannot_understand(f"line of channel {index + 1}"))
    name = (match["name"] or f"channel {index + 1}").strip()
    _refuse_foreign_file(match["file"])
    shown = lead_named(name) or f"Channel {index + 1}"
    if lead_named(name):
        _refuse_encoding(match, shown)
    # Resolution, zero, first value, checksum, block size: each may be left out, with the rest.
    numbers = [int(n) for n in match["numbers"].split()] + [None] * 5
    gain, notes = _gain(match["gain"], shown)
    unit, unit_notes = _unit(match["unit"], shown)
    return Channel(
        file=match["file"],
        format=match["format"],
        samples_per_frame=int(match["frame"] or 1),
        offset=int(match["offset"] or 0),
        gain=gain,
        baseline=int(match["baseline"] or numbers[1] or 0),
        unit=unit,
        first_value=numbers[2] or 0,
        checksum=numbers[3],
        name=name,
        notes=(*notes, *unit_notes),
    )


def _refuse_foreign_file(name: str) -> None:
    if not _PLAIN_NAME.fullmatch(name):
        raise ECGError(
            "A header that names files outside its own folder is refused; expected a plain file "
            "name such as '00001_lr.dat'."
        )


def _refuse_encoding(match: re.Match[str], name: str) -> None:
    if match["format"] not in _FORMATS:
        raise ECGError(
            f"{name} is stored in WFDB format {match['format']}, which is not read; expected one "
            f"of {', '.join(_FORMATS)}. Export the ECG in format 16."
        )
    if int(match["skew"] or 0):
        raise ECGError(f"{name} is shifted in time against the other leads; export them aligned.")
    if match["frame"] and not 1 <= int(match["frame"]) <= 10_000:
        raise ECGError(f"{name} has {match['frame']} samples a frame, expected 1 to 10,000.")


def _gain(text: str | None, name: str) -> tuple[float, tuple[str, ...]]:
    if text is None:
        return 200.0, (f"The header gives no gain for {name}: 200 units a millivolt is assumed.",)
    gain = float(text)
    if not lead_named(name):
        # A temperature's or a pressure's gain is nothing to the leads.
        return gain or 1.0, ()
    if not 1e-6 <= gain <= 1e12:
        raise ECGError(
            f"{name} has a gain of {text} in the header, so its millivolts are unknown. Export the "
            "ECG with calibrated leads."
        )
    return gain, ()


def _unit(text: str | None, name: str) -> tuple[str, tuple[str, ...]]:
    unit = text or "mV"
    return unit, factor(unit, name)[1]


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


def _refuse_scattered_files(channels: Iterable[Channel]) -> None:
    # WFDB wants the signals of a file together; the wfdb library mixes up others.
    files = [file for file, _ in groupby(c.file for c in channels)]
    if len(files) > len(set(files)):
        raise ECGError(
            "The header mixes the signals of several files, where those of one file must stand "
            "together. Export the ECG again."
        )


def _frames(
    announced: int | None, channels: Iterable[Channel], contents: Mapping[str, bytes]
) -> int:
    """Frames to read, after every file is known to hold them."""
    held = min(_frames_held(file, channels, content) for file, content in contents.items())
    if announced is None or held >= announced:
        return _refuse_many(announced or held, channels)
    raise ECGError(
        f"The signal file ends after {held:,} of {announced:,} samples: the copy is incomplete, or "
        "the file belongs to another header. Copy it again."
    )


def _refuse_many(frames: int, channels: Iterable[Channel]) -> int:
    samples = frames * sum(c.samples_per_frame for c in channels)
    if samples > MAX_SAMPLES:
        raise ECGError(
            f"The record holds {samples:,} samples, at most {MAX_SAMPLES:,} are read. Export a "
            "shorter part of the recording; ten seconds are enough."
        )
    return frames


def _frames_held(file: str, channels: Iterable[Channel], content: bytes) -> int:
    own = [c for c in channels if c.file == file]
    if len({(c.format, c.offset) for c in own}) > 1:
        raise ECGError("The header gives several formats for one file; export the ECG again.")
    if own[0].format in _PACKED:
        return _packed_samples(content) // own[0].samples_per_frame
    size = _BYTES_PER_SAMPLE[own[0].format] * sum(c.samples_per_frame for c in own)
    return max(int((len(content) - own[0].offset) / size), 0)


def _packed_samples(content: bytes) -> int:
    try:
        return soundfile.info(BytesIO(content)).frames
    except soundfile.SoundFileError:
        raise ECGError(
            "The signal file is not the FLAC file that its header announces. Copy it again."
        ) from None


def _common_frame(leads: Iterable[Channel]) -> int:
    frames = {c.samples_per_frame for c in leads}
    if len(frames) > 1:
        raise ECGError("The leads have different sampling rates; export them at one rate.")
    return frames.pop()


def _read_samples(
    rate: float, frames: int, channels: list[Channel], contents: Mapping[str, bytes]
) -> wfdb.Record:
    """Let the wfdb library decode files that have our names and a header that we wrote."""
    safe = {name: f"signal{i}.dat" for i, name in enumerate(contents)}
    swapped = {c.file: c.offset for c in channels if c.format == _BIG_ENDIAN}
    channels = [replace(c, format="16") if c.file in swapped else c for c in channels]
    header = [f"record {len(channels)} {rate:f} {frames}"]
    header += [
        f"{safe[c.file]} {c.format}x{c.samples_per_frame}+{c.offset} {c.gain!r}({c.baseline})/mV "
        f"0 0 {c.first_value} 0 0 channel{i}"
        for i, c in enumerate(channels)
    ]
    with TemporaryDirectory(prefix="protoecg-") as folder:
        Path(folder, "record.hea").write_text("\n".join(header) + "\n", encoding="ascii")
        for name, content in contents.items():
            own = _swapped(content, swapped[name]) if name in swapped else content
            Path(folder, safe[name]).write_bytes(own)
        return wfdb.rdrecord(str(Path(folder, "record")), physical=False, smooth_frames=False)


def _swapped(content: bytes, offset: int) -> bytes:
    """Return format 61 as format 16, its bytes the other way round: the library misreads it."""
    whole = (len(content) - offset) // 2 * 2
    samples = np.frombuffer(content, "<i2", count=whole // 2, offset=offset)
    return content[:offset] + samples.byteswap().tobytes()


def _checksum_note(channels: Iterable[Channel], computed: Iterable[int]) -> tuple[str, ...]:
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
