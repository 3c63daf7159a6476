"""The source ECG of a prototype or neighbour: carried, in PTB-XL, in the cache, or fetched."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from protoecg.ecg import DURATION_S, ECG, LEADS, ECGError
from protoecg.prototypes.fetching import Fetcher, FetchError
from protoecg.prototypes.prototype import SourceECG
from protoecg.prototypes.records import UNITS_PER_MV
from protoecg.readers.wfdb_header import parse_header
from protoecg.settings import settings
from protoecg.storage import folders
from protoecg.storage.files import write_bytes

PHYSIONET = "https://physionet.org/files/ptb-xl/1.0.3/"
MAX_RECORD_BYTES = 1_000_000
# As many failed connections in a row mean that there is no network.
MAX_FAILURES_IN_A_ROW = 5

_WITHOUT_NETWORK = "Where PTB-XL 1.0.3 is on this machine, set PROTOECG_PTBXL to its folder."
_RECORD = re.compile(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*")
_INVALID = np.iinfo(np.int16).min
# Devices that store ten seconds often drop the last samples.
_LATE_SAMPLES = 2

_log = logging.getLogger(__name__)


def may_fetch() -> bool:
    """Whether ECGs may be fetched without being asked for: not where `PROTOECG_FETCH` is off."""
    return settings().fetch


class WaveformUnavailable(Exception):  # noqa: N818
    """A source ECG that cannot be shown; the message says what to do."""


class NoConnection(WaveformUnavailable):
    """A source ECG that could not be asked for: the network or the server fails, for now."""


class CacheNotWritable(WaveformUnavailable):
    """A source ECG that could not be kept: no other one can be, either."""


@dataclass(frozen=True)
class Waveforms:
    """Where the source ECGs of one bundle may be found, nearest first.

    Parameters
    ----------
    bundle : the bundle's folder; waveforms that it carries are in its `waveforms` folder
    ptbxl : a local PTB-XL, or None where it must not be used
    cache : folder that keeps what was fetched, or None
    physionet : address of PTB-XL's files, or None where the network must not be used
    """

    bundle: Path
    ptbxl: Path | None = None
    cache: Path | None = None
    physionet: str | None = None

    @classmethod
    def for_bundle(cls, bundle: Path, self_contained: bool) -> Waveforms:
        """Take the places from the environment; a bundle may have but its own waveforms.

        `PROTOECG_PTBXL` (default `data/ptbxl`), `PROTOECG_CACHE` (default `data/cache`) and
        `PROTOECG_PHYSIONET` name them.
        """
        if self_contained:
            return cls(bundle)
        return cls(
            bundle,
            folders.ptbxl(),
            folders.cache(),
            settings().physionet or PHYSIONET,
        )

    def load(self, source: SourceECG) -> ECG:
        """Return a source ECG that is on this machine.

        Raises
        ------
        WaveformUnavailable
            If no place has the ECG as the bundle's checksum knows it.
        """
        _refuse_foreign_record(source.record)
        reasons = []
        for folder in self._folders():
            try:
                return _read(folder, source)
            except WaveformUnavailable as reason:
                reasons.append(str(reason))
        raise WaveformUnavailable(
            f"The ECG {source.record} is not on this machine. {self._what_to_do()}"
            + "".join(f" {reason}" for reason in reasons if reason)
        )

    def missing(self, sources: Iterable[SourceECG]) -> list[SourceECG]:
        """Return those that are not on this machine undamaged, one for each record."""
        records = {(source.record, source.sha256): source for source in sources}
        return [source for source in records.values() if not self._is_here(source)]

    def fetch(self, fetcher: Fetcher, source: SourceECG) -> ECG:
        """Get a source ECG from PhysioNet, keep it in the cache if it is sound, and return it.

        Raises
        ------
        NoConnection
            If another try may succeed.
        CacheNotWritable
            If it cannot be kept.
        WaveformUnavailable
            If the server does not have the ECG as the bundle's checksum knows it.
        """
        _refuse_foreign_record(source.record)
        if not self.physionet or not self.cache:
            raise WaveformUnavailable(self._what_to_do())
        url = f"{self.physionet.rstrip('/')}/{source.record}"
        try:
            header = fetcher.fetch(f"{url}.hea", MAX_RECORD_BYTES)
            samples = fetcher.fetch(f"{url}.dat", MAX_RECORD_BYTES)
        except FetchError as error:
            kind = WaveformUnavailable if error.gone else NoConnection
            raise kind(f"{error} {_WITHOUT_NETWORK}") from error
        ecg = _checked(header, samples, source, url)
        # The samples come last: a record with samples has its header.
        try:
            write_bytes(self.cache / f"{source.record}.hea", header, sync=False)
            write_bytes(self.cache / f"{source.record}.dat", samples, sync=False)
        except OSError as error:
            raise CacheNotWritable(
                f"Cannot write to {self.cache} ({error.strerror}). Set PROTOECG_CACHE to a folder "
                "that can be written to."
            ) from error
        return ecg

    def fetch_all(self, sources: Collection[SourceECG]) -> Iterator[tuple[int, int]]:
        """Get every source ECG that is not on this machine, and yield (records had, records).

        A record that cannot be had does not stop the others. To go on after an interruption,
        call it again.

        Raises
        ------
        WaveformUnavailable
            At the end, if some could not be had; earlier if the network is gone.
        """
        records = len({(source.record, source.sha256) for source in sources})
        missing = self.missing(sources)
        had, failures, in_a_row = records - len(missing), [], 0
        yield had, records
        with closing(Fetcher()) as fetcher:
            for source in missing:
                try:
                    self.fetch(fetcher, source)
                    had, in_a_row = had + 1, 0
                except CacheNotWritable:
                    raise
                except WaveformUnavailable as failure:
                    failures.append(failure)
                    in_a_row = in_a_row + 1 if isinstance(failure, NoConnection) else 0
                if in_a_row == MAX_FAILURES_IN_A_ROW:
                    break
                yield had, records
        if failures:
            raise WaveformUnavailable(
                f"{records - had} of {records} ECGs could not be fetched: {failures[0]} "
                "What was fetched is kept; run the same again for the rest."
            )

    def _folders(self) -> list[Path]:
        return [f for f in (self.bundle / "waveforms", self.ptbxl, self.cache) if f]

    def _is_here(self, source: SourceECG) -> bool:
        try:
            self.load(source)
        except WaveformUnavailable:
            return False
        return True

    def _what_to_do(self) -> str:
        if not self.physionet:
            return f"The bundle {self.bundle} is incomplete: restore its folder 'waveforms'."
        return f"{_WITHOUT_NETWORK} Or run `python -m protoecg fetch {self.bundle}`."


def record_checksum(root: Path, record: str) -> str:
    """Return the SHA-256 of a record's samples, the bytes of its `.dat`, in hex.

    The header is left out: its text differs between copies of PTB-XL, and what it says is
    checked instead.
    """
    _refuse_foreign_record(record)
    return sha256((root / f"{record}.dat").read_bytes()).hexdigest()


def _refuse_foreign_record(record: str) -> None:
    # A bundle may come from anywhere; its records must not lead out of the folders.
    if not _RECORD.fullmatch(record):
        raise WaveformUnavailable(
            f"The bundle names {record[:80]!r} as a record, expected a name such as "
            "'records100/00000/00001_lr'. Do not use this bundle."
        )


def _read(folder: Path, source: SourceECG) -> ECG:
    place = folder / source.record
    try:
        header = place.with_name(f"{place.name}.hea").read_bytes()
        samples = place.with_name(f"{place.name}.dat").read_bytes()
    except OSError:
        raise WaveformUnavailable("") from None
    try:
        return _checked(header, samples, source, str(place))
    except WaveformUnavailable as reason:
        _log.warning("%s", reason)
        raise


def _checked(header: bytes, samples: bytes, source: SourceECG, place: str) -> ECG:
    if sha256(samples).hexdigest() != source.sha256:
        raise WaveformUnavailable(
            f"{place}.dat is not the ECG that the bundle was made from: damaged, or of another "
            "version of the data."
        )
    try:
        digital = np.frombuffer(samples, dtype="<i2").reshape(-1, len(LEADS)).T
        rate = _rate(header, digital.shape[1], place)
        signal = np.where(digital == _INVALID, np.nan, digital / UNITS_PER_MV)
        return ECG(signal, rate, source.record)
    except ValueError as error:
        raise WaveformUnavailable(f"{place} cannot be read: {error}") from error


def _rate(content: bytes, samples: int, place: str) -> float:
    """Return the sampling rate that a header gives, if nothing in it speaks against it."""
    # The checksum covers the samples only; what gives them their meaning is the same for all.
    header = parse_header(content)
    channels = [
        (c.format, c.samples_per_frame, c.offset, c.gain, c.baseline, c.unit.lower())
        for c in header.channels
    ]
    expected = [("16", 1, 0, float(UNITS_PER_MV), 0, "mv")] * len(LEADS)
    names = [c.name.lower() for c in header.channels]
    if (
        abs(samples - DURATION_S * header.frames_per_s) > _LATE_SAMPLES
        or channels != expected
        or names != [lead.lower() for lead in LEADS]
    ):
        raise ECGError(
            f"the header {place}.hea differs from PTB-XL's: expected twelve leads from I to V6, "
            f"{DURATION_S:g} s of them, format 16, {UNITS_PER_MV} units a millivolt."
        )
    return header.frames_per_s
