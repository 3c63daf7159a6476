"""WFDB headers: checked field by field; of what the samples don't need, when and whom is kept."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from protoecg.ecg import ECGError
from protoecg.leads.names import lead_named
from protoecg.readers.channels import worth_reading
from protoecg.readers.moments import moment
from protoecg.taken import Taken

MAX_CHANNELS = 64
MAX_HEADER_BYTES = 100_000
MAX_LINE = 1000
MAX_SAMPLES = 15_000_000

BYTES_PER_SAMPLE = {
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

# FLAC; how much it holds stands in the signal file itself.
PACKED = {"508", "516", "524"}
_FORMATS = (*BYTES_PER_SAMPLE, *sorted(PACKED))
RECORD_LINE = re.compile(
    r"""(?P<record>[^\s/,;:=]+)(/(?P<segments>\d{1,9}))?
    \s+(?P<channels>\d{1,9})
    (\s+(?P<rate>\d{1,9}(\.\d*)?|\.\d+)(/\S*)?
    (\s+(?P<samples>\d{1,12})(\s+(?P<begins>.*))?)?)?""",
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
# "10:42:00.5 3/3/2021"
_BEGINS = re.compile(r"(\d{1,2}):(\d{2}):(\d{2})(?:\.\d*)?\s+(\d{1,2})/(\d{1,2})/(\d{4})", re.ASCII)
# "#Age: 64", as the PhysioNet challenges write it; "#<age>: 64", as LUDB; "# age: 81 sex: female".
_AGE = re.compile(r"\bage>?\s*:\s*(\d{1,3})\b", re.IGNORECASE | re.ASCII)
_SEX = re.compile(r"\b(?:sex|gender)>?\s*:\s*([a-z]+)", re.IGNORECASE | re.ASCII)
# No separator of any system, no drive, no scheme, no "..", no home folder.
_PLAIN_NAME = re.compile(r"\w[\w.()+=@-]*")


@dataclass(frozen=True)
class Described:
    """One signal line of a header; `gain` is in digital units per `unit`.

    So many frames of it as `skew` says were taken before the record begins.
    """

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
    skew: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Header:
    """A single-segment header: frames per second, frames (None if not given), channels, when."""

    frames_per_s: float
    frames: int | None
    channels: tuple[Described, ...]
    taken: Taken


def is_header(content: bytes) -> bool:
    """Whether a file's content is a WFDB header."""
    lines = lines_of(content[:MAX_HEADER_BYTES])
    if not lines or not (record := RECORD_LINE.fullmatch(lines[0][:MAX_LINE])):
        return False
    if record["segments"] or len(lines) == 1:
        return True
    # A table of numbers can look like a record line; no signal file is named by a number.
    words = lines[1].split()
    names_file = len(words) > 1 and not _is_number(words[0])
    return names_file and ("." in words[0] or words[1][0].isdigit())


def signal_files(content: bytes) -> tuple[str, ...]:
    """Names of the signal files that hold the leads, each a plain name without a path."""
    channels = parse_header(content).channels
    read = worth_reading([channel.name for channel in channels])
    return tuple(dict.fromkeys(channels[i].file for i in read))


def parse_header(content: bytes) -> Header:
    """Read a header, with nothing kept of it but what the samples need, and when and of whom.

    Comments may tell who the patient is: of these only age and sex are looked for.

    Raises
    ------
    ECGError
        If the header is not one of a single-segment record, names files outside its folder, or
        holds numbers that no ECG has.
    """
    if len(content) > MAX_HEADER_BYTES:
        raise ECGError(f"The header has {len(content):,} bytes, too many for a WFDB header.")
    lines = lines_of(content)
    if max(map(len, lines), default=0) > MAX_LINE:
        raise ECGError("The header has a line longer than any of WFDB's; export the ECG again.")
    record = RECORD_LINE.fullmatch(lines[0]) if lines else None
    if record is None:
        raise ECGError(not_understood("first line"))
    if record["segments"]:
        raise ECGError(
            "A segment of the record is a record of several segments itself. Give the header of a "
            "single segment that lasts ten seconds or more."
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
    return Header(float(record["rate"]), frames, channels, taken_of(record["begins"], content))


def taken_of(begins: str | None, content: bytes) -> Taken:
    """Return when a record begins, by its first line, and of whom it is, by its comments."""
    found = _BEGINS.search(begins or "")
    comments = "\n".join(line for line in _text_lines(content) if line.startswith("#"))
    age, sex = _AGE.search(comments), _SEX.search(comments)
    when = moment(*found.group(6, 5, 4, 1, 2, 3)) if found else ()
    return Taken.of(*when, age=int(age[1]) if age else None, sex=sex[1] if sex else "")


def lines_of(content: bytes) -> list[str]:
    """Lines that are neither empty nor comments."""
    return [line for line in _text_lines(content) if not line.startswith("#")]


def _text_lines(content: bytes) -> list[str]:
    """Lines that are not empty."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    lines = (line.strip() for line in text.replace("\r", "\n").split("\n"))
    return [line for line in lines if line]


def _is_number(word: str) -> bool:
    try:
        float(word.replace(",", "."))
    except ValueError:
        return False
    return True


def not_understood(what: str) -> str:
    """Say which part of a header is not understood."""
    # The line itself is not quoted: it may name the patient.
    return (
        f"The {what} of the header is not understood, expected a WFDB header (.hea). Export the "
        "ECG again."
    )


def _channel(line: str, index: int) -> Described:
    match = _SIGNAL_LINE.fullmatch(line)
    if match is None:
        _refuse_foreign_file(line.split()[0])
        raise ECGError(not_understood(f"line of channel {index + 1}"))
    name = (match["name"] or f"channel {index + 1}").strip()
    _refuse_foreign_file(match["file"])
    shown = lead_named(name) or f"Channel {index + 1}"
    if lead_named(name):
        _refuse_encoding(match, shown)
    # Resolution, zero, first value, checksum, block size: each may be left out, with the rest.
    numbers = [int(n) for n in match["numbers"].split()] + [None] * 5
    gain, notes = _gain(match["gain"], shown)
    skew = int(match["skew"] or 0)
    return Described(
        file=match["file"],
        format=match["format"],
        samples_per_frame=int(match["frame"] or 1),
        offset=int(match["offset"] or 0),
        gain=gain,
        baseline=int(match["baseline"] or numbers[1] or 0),
        unit=match["unit"] or "mV",
        first_value=numbers[2] or 0,
        # That of a skewed signal leaves out what was taken before.
        checksum=None if skew else numbers[3],
        name=name,
        skew=skew,
        notes=notes,
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
