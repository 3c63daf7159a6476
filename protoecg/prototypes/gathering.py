"""Prototypes of others made into a set that can be rated: a manifest and its ECGs, checked.

The manifest is a JSON file beside the ECGs. Whoever wrote it is a stranger: its paths stay in its
folder, its texts keep to letters and numbers, and its ECGs are read in a process of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from math import floor
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pydantic.dataclasses
from pydantic import Field, TypeAdapter

from protoecg.ecg import DURATION_S, ECG, ECGError
from protoecg.isolation import read_recording
from protoecg.labels import PTBXL, LabelSet, Statement, is_code, is_wording
from protoecg.prototypes.prototype import Prototype
from protoecg.prototypes.records import MAX_COUNT, UNITS_PER_MV, write_record
from protoecg.prototypes.sets import SOURCE, PrototypeSet, load_set, write_set
from protoecg.readers import Recording, files_of
from protoecg.storage.files import (
    STRICT,
    FormatError,
    checksum,
    new_folder,
    read_limited,
    validated,
)

MAX_MANIFEST_BYTES, MAX_PROTOTYPES = 5_000_000, 5000
MAX_RATE_HZ = 1000
# Windows of one record mostly stand beside each other in a manifest.
KEPT = 4
WHOLE_S = (0.0, DURATION_S)
_NAME = re.compile(r"\w[\w ().,+-]{0,79}")
_BRANCH = re.compile(r"\w[\w -]{0,31}")
_RECORD = re.compile(r"(?=.{1,80}$)[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*(\.[A-Za-z0-9]{1,8})?")
_SENTENCE = re.compile(r"[^\x00-\x1f\x7f]{0,300}")

Text = Annotated[str, Field(max_length=300)]
Seconds = Annotated[float, Field(ge=0, le=1_000_000)]


class SetError(ValueError):
    """A manifest or an ECG of it that cannot be used; the message says what to change."""


@pydantic.dataclasses.dataclass(frozen=True, config=STRICT, kw_only=True)
class Entry:
    """A prototype as a manifest tells it.

    Parameters
    ----------
    statement, words : code of the statement that it stands for, and what that says; words may be
        left out of PTB-XL's codes
    branch : what the part of the model is called that it belongs to
    record : path in the manifest's folder: a file of any format that is read, or a WFDB record
    statements : codes of all that is in the record, of those that the manifest tells of; none where
        that is not known
    window_s : start and end in the record, seconds; its first ten seconds where it is left out
    rate : Hz, for files that do not say it
    name : what to call it; made of branch, statement and a number where it is left out
    patient, age, sex : of the patient, as far as they may be shown
    """

    statement: Text
    branch: Text
    record: Text
    words: Text = ""
    statements: Annotated[tuple[Text, ...], Field(max_length=100)] = ()
    window_s: tuple[Seconds, Seconds] | None = None
    rate: Annotated[float, Field(gt=0)] | None = None
    name: Text = ""
    patient: Text = ""
    age: Annotated[int, Field(ge=0, le=150)] | None = None
    sex: Literal["female", "male"] | None = None


@pydantic.dataclasses.dataclass(frozen=True, config=STRICT, kw_only=True)
class Manifest:
    """What a manifest holds.

    Parameters
    ----------
    name : what to call the set
    source : whose prototypes these are, to be shown beside them
    simulated : whether they are simulated ECGs
    prototypes : in the order in which they are shown
    """

    name: Text
    prototypes: Annotated[tuple[Entry, ...], Field(min_length=1, max_length=MAX_PROTOTYPES)]
    source: Text = ""
    simulated: bool = False


def gather(manifest: Path, out: Path) -> PrototypeSet:
    """Make a set of the prototypes in a manifest, and return it as loaded again.

    Parameters
    ----------
    out : a new folder; it is there when all of it is

    Raises
    ------
    SetError
        If the manifest or one of its ECGs cannot be used; then nothing is at `out`.
    FileExistsError
        If something is there already.
    """
    content = _read(manifest)
    entries = _named(content.prototypes)
    labels = _labels(entries)
    with new_folder(out) as folder:
        kept = _Kept(manifest.parent, folder / "waveforms", labels)
        write_set(
            folder,
            name=content.name,
            simulated=content.simulated,
            prototypes=[kept.prototype(entry) for entry in entries],
            labels=labels,
            about={SOURCE: content.source},
        )
    return load_set(out)


class _Kept:
    """Reads the ECGs of a manifest, and keeps what of them is shown."""

    def __init__(self, root: Path, folder: Path, labels: LabelSet) -> None:
        self._root, self._folder, self._labels = root, folder, labels
        self._recording = lru_cache(KEPT)(self._read)
        self._refuse_links = cache(_refuse_links)
        self._written: dict[str, str] = {}

    def prototype(self, entry: Entry) -> Prototype:
        """Return what an entry tells, its ECG written beside."""
        recording = self._recording(entry.record, entry.rate)
        start_s, window_s = _cut(recording, entry)
        record = entry.record.rpartition(".")[0] or entry.record
        if recording.is_long:
            record += f"-{round(100 * start_s)}"
        sha256 = self._keep(record, recording, start_s, entry)
        return Prototype(
            name=entry.name,
            record=record,
            window_s=window_s,
            statements=self._carried(entry),
            patient=entry.patient or entry.record,
            age=entry.age,
            sex=entry.sex,
            sha256=sha256,
            branch=entry.branch,
            statement=entry.statement,
        )

    def _carried(self, entry: Entry) -> tuple[str, ...]:
        if not entry.statements:
            return ()
        carried = {entry.statement, *entry.statements}
        return tuple(code for code in self._labels if code in carried)

    def _read(self, record: str, rate: float | None) -> Recording:
        place = self._root / record
        self._refuse_links(place.parent, self._root)
        try:
            return read_recording(files_of(place), rate=rate, source=record)
        except ECGError as error:
            raise SetError(f"{record}: {error}") from error

    def _keep(self, record: str, recording: Recording, start_s: float, entry: Entry) -> str:
        source = f"{entry.record} {entry.rate}"
        if record not in self._written:
            try:
                ecg = recording.ecg(start_s)
            except ECGError as error:
                raise SetError(f"{entry.record}: {error}") from error
            _refuse_unfit(ecg, entry.record)
            write_record(self._folder / record, ecg.signal, ecg.rate)
            self._written[record] = source
        elif self._written[record] != source:
            raise SetError(
                f"{entry.name}: two ECGs would be called {record}. Give their files other names."
            )
        return checksum(self._folder / f"{record}.dat")


def _read(file: Path) -> Manifest:
    try:
        manifest = validated(TypeAdapter(Manifest), file, read_limited(file, MAX_MANIFEST_BYTES))
    except FormatError as error:
        raise SetError(f"{error}. See docs/curation.md for what a manifest holds.") from error
    except OSError as error:
        raise SetError(f"{file} cannot be read ({error.strerror}). Name a manifest.") from error
    _checked(manifest.name, _NAME, "the set's name")
    _checked(manifest.source, _SENTENCE, "the source")
    return manifest


def _named(entries: Sequence[Entry]) -> list[Entry]:
    """Return checked entries, each with a name."""
    counts: dict[str, int] = {}
    found = []
    for place, entry in enumerate(entries, 1):
        where = f"prototype {place}:"
        if not is_code(entry.statement):
            raise SetError(f"{where} its statement is no code, such as IMI or 164889003.")
        _checked(entry.branch, _BRANCH, f"{where} its branch")
        _checked(entry.record, _RECORD, f"{where} its record")
        if entry.patient:
            _checked(entry.patient, _NAME, f"{where} its patient")
        stem = f"{entry.branch}-{entry.statement}"
        counts[stem] = counts.get(stem, 0) + 1
        name = _checked(entry.name or f"{stem}-{counts[stem]}", _NAME, f"{where} its name")
        found.append(replace(entry, name=name))
    if twice := next(_repeated(entry.name for entry in found), None):
        raise SetError(f"Two prototypes are called {twice}. Give each a name of its own.")
    return found


def _labels(entries: Sequence[Entry]) -> LabelSet:
    """Return the statements of a manifest; a code of PTB-XL's means the same."""
    found: dict[str, Statement] = {}
    for entry in entries:
        code = entry.statement
        known = PTBXL.get(code)
        words = entry.words or (known.description if known else "")
        if not is_wording(words):
            raise SetError(
                f"{entry.name}: say in `words` what {code} means, in at most 120 letters, digits "
                "and ( ) / . , + -."
            )
        # No network reads it, so that any branch will do.
        own = replace(known, description=words) if known else Statement(code, "morphology", words)
        if found.setdefault(code, own) != own:
            raise SetError(f"{entry.name}: {code} means something else elsewhere in the manifest.")
    return LabelSet(found.values())


def _cut(recording: Recording, entry: Entry) -> tuple[float, tuple[float, float]]:
    """Return where the ten seconds around a window begin, and the window within them."""
    start_s, end_s = entry.window_s or WHOLE_S
    if entry.window_s is None and not recording.is_long:
        return 0.0, WHOLE_S
    if not start_s < end_s <= min(recording.duration, start_s + DURATION_S) + 1e-6:
        raise SetError(
            f"{entry.name} is from {start_s:g} to {end_s:g} s of a record of "
            f"{recording.duration:.1f} s. Name a window of at most {DURATION_S:g} s within it."
        )
    middle = (start_s + end_s - DURATION_S) / 2
    from_s = floor(100 * min(max(middle, 0.0), recording.latest_start)) / 100
    from_s = min(from_s, start_s) if recording.is_long else 0.0
    return from_s, (round(start_s - from_s, 6), min(round(end_s - from_s, 6), DURATION_S))


def _refuse_unfit(ecg: ECG, record: str) -> None:
    if ecg.rate > MAX_RATE_HZ:
        raise SetError(f"{record} has {ecg.rate:g} Hz. Resample it to {MAX_RATE_HZ} Hz or less.")
    if np.abs(ecg.signal).max() * UNITS_PER_MV > MAX_COUNT:
        raise SetError(f"{record} reaches more than {MAX_COUNT // UNITS_PER_MV} mV. Leave it out.")


def _refuse_links(folder: Path, root: Path) -> None:
    """Refuse a folder in which anything leads out of the manifest's, or never ends."""
    for file in folder.iterdir() if folder.is_dir() else ():
        inside = file.resolve().is_relative_to(root.resolve())
        if not inside or not (file.is_file() or file.is_dir()):
            raise SetError(
                f"{file.name} is no file of the manifest's folder. Put the file itself there."
            )


def _checked(text: str, form: re.Pattern[str], what: str) -> str:
    if not form.fullmatch(text):
        raise SetError(
            f"{what[:1].upper()}{what[1:]} is empty, too long, or has other signs than letters, "
            "digits and those of a plain name; a path stays in the manifest's folder."
        )
    return text


def _repeated(names: Iterator[str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield name
        seen.add(name)
