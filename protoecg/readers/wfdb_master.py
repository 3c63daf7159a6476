"""Headers of WFDB records of several segments: which these are, and how long each lasts."""

from __future__ import annotations

import re
from dataclasses import dataclass

from protoecg.ecg import ECGError
from protoecg.readers.wfdb_header import (
    MAX_HEADER_BYTES,
    MAX_LINE,
    MAX_SAMPLES,
    RECORD_LINE,
    lines_of,
    not_understood,
    taken_of,
)
from protoecg.taken import Taken

MAX_SEGMENTS = 200
# What stands for a segment in which nothing was recorded.
GAP = "~"
# I, II and V1 to V6.
_FEWEST_LEADS = 8
_SEGMENT_LINE = re.compile(r"(?P<name>~|\w[\w-]*)\s+(?P<frames>\d{1,12})")


@dataclass(frozen=True)
class Segment:
    """One segment of a record: its name, `GAP` for none, and how many frames it lasts."""

    name: str
    frames: int


@dataclass(frozen=True)
class Master:
    """A header of several segments: frames per second, and these in their order."""

    frames_per_s: float
    segments: tuple[Segment, ...]
    taken: Taken

    @property
    def frames(self) -> int:
        """How many there are in all."""
        return sum(segment.frames for segment in self.segments)


def is_master(content: bytes) -> bool:
    """Whether a file's content is the header of a record of several segments."""
    record = _record(lines_of(content[:MAX_HEADER_BYTES]))
    return record is not None and record["segments"] is not None


def parse_master(content: bytes) -> Master:
    """Read the header of a record of several segments.

    Raises
    ------
    ECGError
        If it is damaged, names files outside its folder, or is longer than any ECG that is read.
    """
    lines = lines_of(content[:MAX_HEADER_BYTES])
    found = [_SEGMENT_LINE.fullmatch(line[:MAX_LINE]) for line in lines[1:]]
    segments = tuple(Segment(m["name"], int(m["frames"])) for m in found if m)
    record = _record(lines)
    if (
        record is None
        or record["rate"] is None
        or not 1 <= len(segments) <= MAX_SEGMENTS
        or not len(segments) == len(found) == int(record["segments"] or 0)
    ):
        raise ECGError(not_understood("list of segments"))
    taken = taken_of(record["begins"], content[:MAX_HEADER_BYTES])
    master = Master(float(record["rate"]), segments, taken)
    if master.frames * _FEWEST_LEADS > MAX_SAMPLES:
        raise ECGError(
            f"The record lasts {master.frames:,} samples, more than are read. Give the header of "
            "a single segment that lasts ten seconds or more."
        )
    return master


def _record(lines: list[str]) -> re.Match[str] | None:
    return RECORD_LINE.fullmatch(lines[0][:MAX_LINE]) if lines else None
