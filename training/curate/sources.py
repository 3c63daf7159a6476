"""The ECGs of candidates: those that are here, and what can be had from elsewhere."""

from __future__ import annotations

from contextlib import closing
from types import TracebackType
from typing import Self

from protoecg.ecg import ECG
from protoecg.prototypes.fetching import Fetcher
from protoecg.prototypes.prototype import SourceECG
from protoecg.prototypes.waveforms import CacheNotWritable, NoConnection, WaveformUnavailable
from training.curate.pool import Pool

FETCHING_OFF = (
    "Fetching is turned off here (PROTOECG_FETCH). Where PTB-XL 1.0.3 is on this machine, set "
    "PROTOECG_PTBXL to its folder."
)
INCOMPLETE = "The data set, or the bundle, is incomplete."


class Sources:
    """Looks for the ECGs of one search; to be used as a context.

    Nothing is asked for twice: what has come is kept on disk, what a server has not got is
    remembered, and after a connection has failed this search asks for nothing more.

    Parameters
    ----------
    gone : by record, why it cannot be had at all; shared between searches
    """

    def __init__(self, pool: Pool, gone: dict[str, str]) -> None:
        self.lacking: dict[str, str] = {}
        self._pool, self._gone = pool, gone
        self._fetcher: Fetcher | None = None
        self._offline = ""

    def __enter__(self) -> Self:
        """Begin a search."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the connections."""
        if self._fetcher is not None:
            with closing(self._fetcher):
                self._fetcher = None

    def load(self, source: SourceECG) -> ECG | None:
        """Return an ECG; None where it cannot be had, and `lacking` then says why."""
        if source.record in self.lacking:
            return None
        try:
            return self._pool.waveforms.load(source)
        except WaveformUnavailable:
            return self._fetched(source)

    def _fetched(self, source: SourceECG) -> ECG | None:
        if why := self._refusal(source):
            self.lacking[source.record] = why
            return None
        self._fetcher = self._fetcher or Fetcher()
        try:
            return self._pool.waveforms.fetch(self._fetcher, source)
        except (NoConnection, CacheNotWritable) as error:
            self._offline = self.lacking[source.record] = str(error)
        except WaveformUnavailable as error:
            self._gone[source.record] = self.lacking[source.record] = str(error)
        return None

    def _refusal(self, source: SourceECG) -> str:
        """Say why an ECG is not even asked for; nothing if it is."""
        if self._pool.fetches:
            return self._gone.get(source.record, self._offline)
        elsewhere = self._pool.dataset is None and self._pool.waveforms.physionet
        return FETCHING_OFF if elsewhere else INCOMPLETE
