"""Files of strangers read in a process of their own, so that none can harm, stop or fill ours.

`read_recording`, `read_ecg` and `read_path` do what those of `protoecg.readers` do, which stay
the first line, with their checks of each format. Around them, each recording gets a process that

- has so much of the processor's time, the clock's and of memory (`limits`), and is then ended;
- sees neither the server's memory nor its environment, nor another recording's files;
- has a private folder for its files, deleted when it ends, or by the next start after a kill;
- sees no files but the readers' code and its own, where Linux has Landlock (`landlock`);
- has no network where Linux gives it one of its own, else none by Python's ways (`confinement`);
- answers with plain numbers and text, which are checked as if the file itself had sent them.

Where Landlock is missing it is no prison for code that a file would bring along: that would run
as the user who runs the server, and could read what that user can. macOS also sets no limit of
memory. Windows has none of it: there files are read in the process that asks, by the formats'
own checks alone.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from protoecg import readers
from protoecg.ecg import ECG, ECGError
from protoecg.isolation.limits import OF_A_BATCH, ONE_FILE, Limits
from protoecg.readers import Recording
from protoecg.readers.given import Given, ReadOptions

if TYPE_CHECKING:
    from protoecg.isolation.pool import Pool

__all__ = [
    "OF_A_BATCH",
    "ONE_FILE",
    "Limits",
    "read_ecg",
    "read_path",
    "read_recording",
    "read_together",
    "warm_up",
]


def read_recording(
    files: Mapping[str, bytes],
    *,
    source: str | None = None,
    limits: Limits = ONE_FILE,
    **options: Unpack[ReadOptions],
) -> Recording:
    """Read a whole 12-lead recording from uploaded files, in a process of its own.

    Parameters
    ----------
    files, source, options : as in `protoecg.readers.read_recording`
    limits : of the process

    Raises
    ------
    IncompleteFileError
        If the files lack what a person can say.
    ECGError
        With a sentence for clinicians, if the files are no readable 12-lead recording, or reading
        them takes more than the limits.
    """
    if not hasattr(os, "fork"):
        return readers.read_recording(files, source=source, **options)
    return _pool().read(files, given=Given.of(**options), source=source, limits=limits)


def read_together(
    recordings: Sequence[Mapping[str, bytes]],
    *,
    source: str | None = None,
    limits: Limits = OF_A_BATCH,
    **options: Unpack[ReadOptions],
) -> Iterator[Recording | ECGError]:
    """Read some recordings of one batch; yield each, or why it cannot be read, in their order.

    They share a process and its limits, which makes each ten times as cheap: for recordings that
    come from one hand, as what one of them does to the process the others may meet. What is at
    hand when the process ends, and what comes after it, is read in a process each.

    Parameters
    ----------
    recordings : of each its files, by name
    source, options : as in `protoecg.readers.read_recording`
    limits : of the process
    """
    if hasattr(os, "fork"):
        given = Given.of(**options)
        yield from _pool().read_together(recordings, given=given, source=source, limits=limits)
        return
    for files in recordings:
        try:
            yield readers.read_recording(files, source=source, **options)
        except ECGError as error:
            yield error


def read_ecg(
    files: Mapping[str, bytes],
    *,
    start: float = 0.0,
    source: str | None = None,
    limits: Limits = ONE_FILE,
    **options: Unpack[ReadOptions],
) -> ECG:
    """Read the ten seconds that begin at `start`; all else as in `read_recording`."""
    return read_recording(files, source=source, limits=limits, **options).ecg(start)


def read_path(path: Path, *, start: float = 0.0, **options: Unpack[ReadOptions]) -> ECG:
    """Read an ECG from disk, as `protoecg.readers.read_path` does."""
    return read_ecg(readers.files_of(path), start=start, **options)


def warm_up() -> None:
    """Make ready for the first file, which else takes a second or two longer; don't wait for it."""
    if hasattr(os, "fork"):
        _pool().warm_up()


@cache
def _pool() -> Pool:
    from protoecg.isolation.pool import Pool

    return Pool()
