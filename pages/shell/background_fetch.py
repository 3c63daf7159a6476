"""Source ECGs fetched in the background: one thread for each bundle, for all sessions."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from protoecg.prototypes.fetching import Fetcher
from protoecg.prototypes.prototype import SourceECG
from protoecg.prototypes.waveforms import (
    CacheNotWritable,
    NoConnection,
    Waveforms,
    WaveformUnavailable,
)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 5.0, 600.0

_log = logging.getLogger(__name__)

Key = tuple[str, str]


@dataclass(frozen=True)
class FetchProgress:
    """How far fetching is: records that are here, records wanted, and whether it goes on.

    `problem` says what it waits for or was ended by, if anything.
    """

    done: int
    total: int
    running: bool
    problem: str = ""

    @property
    def complete(self) -> bool:
        """Whether every record is here."""
        return self.done == self.total


class BackgroundFetch:
    """Gets what is missing of some source ECGs, and others when they are asked for.

    A record that is here, or that the server does not have as the bundle knows it, is not asked
    for again. Where the connection fails, it is tried again after a pause that doubles.

    Parameters
    ----------
    waveforms : where the ECGs are, and where they come from
    sources : those to get without being asked
    first_pause_s : seconds before the first new try
    """

    def __init__(
        self,
        waveforms: Waveforms,
        sources: Sequence[SourceECG],
        *,
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        self._waveforms, self._sources, self._first_pause_s = waveforms, sources, first_pause_s
        self._wanted = {_key(source) for source in sources}
        self._changed = threading.Condition()
        self._missing: dict[Key, SourceECG] = {}
        self._refused: dict[Key, tuple[SourceECG, str]] = {}
        self._looked, self._problem, self._ended = False, "", False

    def start(self) -> None:
        """Look what is missing and begin to get it; the thread ends with the process."""
        threading.Thread(target=self._run, name="source ECGs", daemon=True).start()

    @property
    def progress(self) -> FetchProgress:
        """How far it is with the ECGs that are got without being asked for."""
        with self._changed:
            total = len(self._wanted)
            if not self._looked:
                return FetchProgress(0, total, running=True)
            lacking = self._wanted & {*self._missing, *self._refused}
            running = bool(self._wanted & self._missing.keys()) and not self._ended
            return FetchProgress(total - len(lacking), total, running, self._problem)

    def prefer(self, source: SourceECG) -> None:
        """Get an ECG before the others."""
        with self._changed:
            key = _key(source)
            if key not in self._refused and key != next(iter(self._missing), None):
                self._missing = {key: source, **self._missing}
                self._changed.notify()

    def is_awaited(self, source: SourceECG) -> bool:
        """Whether an ECG is still going to be fetched."""
        with self._changed:
            return not self._ended and _key(source) in self._missing

    def refusal(self, source: SourceECG) -> str:
        """Say why an ECG is not asked for again; nothing where it still may be."""
        with self._changed:
            return self._refused[_key(source)][1] if _key(source) in self._refused else ""

    def try_again(self) -> None:
        """Ask for all that is missing at once, also for what was refused before."""
        with self._changed:
            self._missing |= {key: source for key, (source, _) in self._refused.items()}
            self._refused, self._problem, self._ended = {}, "", False
            self._changed.notify_all()

    def _run(self) -> None:
        missing = self._waveforms.missing(self._sources)
        with self._changed:
            self._missing |= {_key(source): source for source in missing}
            self._looked = True
        pause_s = self._first_pause_s
        with closing(Fetcher()) as fetcher:
            while source := self._next():
                try:
                    self._get(fetcher, source)
                    pause_s = self._first_pause_s
                except NoConnection as failure:
                    self._stand_still(failure, pause_s)
                    pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                except CacheNotWritable as failure:
                    self._end(failure)

    def _next(self) -> SourceECG:
        with self._changed:
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._missing)
            return next(iter(self._missing.values()))

    def _get(self, fetcher: Fetcher, source: SourceECG) -> None:
        refused = ""
        try:
            self._waveforms.fetch(fetcher, source)
        except (NoConnection, CacheNotWritable):
            raise
        except WaveformUnavailable as failure:
            _log.warning("%s", failure)
            refused = str(failure.__cause__ or failure)
        with self._changed:
            self._problem = ""
            del self._missing[_key(source)]
            if refused:
                self._refused[_key(source)] = source, refused

    def _stand_still(self, failure: NoConnection, pause_s: float) -> None:
        _log.warning("%s Trying again in %g s.", failure, pause_s)
        with self._changed:
            self._problem = str(failure.__cause__ or failure)
            self._changed.wait(pause_s)

    def _end(self, failure: CacheNotWritable) -> None:
        _log.warning("%s", failure)
        with self._changed:
            self._problem, self._ended = str(failure), True
            self._changed.notify_all()
            # Nothing can be kept before a person has made room and says so.
            self._changed.wait_for(lambda: not self._ended)


def _key(source: SourceECG) -> Key:
    return source.record, source.sha256
