"""PTB-XL from PhysioNet: what training needs of it, resumable, every file checked."""

from __future__ import annotations

import re
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from threading import Event, local

from tqdm import tqdm

from protoecg.prototypes.fetching import Fetcher, FetchError
from protoecg.prototypes.waveforms import PHYSIONET
from protoecg.storage.files import write_bytes

CHECKSUMS = "SHA256SUMS.txt"
MAX_FILE_BYTES = 50_000_000
MAX_FAILURES_IN_A_ROW = 20

_WANTED = re.compile(
    r"LICENSE\.txt|ptbxl_database\.csv|scp_statements\.csv|records100/\w+/\w+\.(hea|dat)", re.ASCII
)
_CHECKSUM_LINE = re.compile(r"(?P<sha256>[0-9a-f]{64})\s+\*?(\./)?(?P<name>\S.*)")


class DownloadError(Exception):
    """A download that is not complete; the message says what is missing and what to do."""


def download(
    dest: Path,
    base_url: str = PHYSIONET,
    jobs: int = 4,
    *,
    attempts: int = 5,
    backoff_s: float = 1.0,
) -> None:
    """Get the tables and the 100 Hz records of PTB-XL into a folder.

    A file gets its name only once it is complete and its SHA-256 is right, so the call can be
    killed at any time and made again: what is there is checked and kept, the rest is fetched.

    Parameters
    ----------
    dest : folder, made if need be; 1.1 GB in the end
    base_url : where `SHA256SUMS.txt` and the files that it lists are
    jobs : connections at a time
    attempts, backoff_s : tries of one file, and the wait after the first, which then doubles

    Raises
    ------
    DownloadError
        If files are missing in the end, or the server cannot be reached.
    """
    with closing(_Source(f"{base_url.rstrip('/')}/", attempts, backoff_s)) as source:
        _download(source, dest, jobs)
    _remove_leftovers(dest)


def _download(source: _Source, dest: Path, jobs: int) -> None:
    wanted = _wanted(source)
    failures: list[FetchError] = []
    in_a_row = 0
    pool = ThreadPoolExecutor(max(jobs, 1))
    try:
        waiting = [pool.submit(_get, source, dest, name, sha) for name, sha in wanted.items()]
        with tqdm(total=len(waiting), unit="file", desc="PTB-XL") as bar:
            for done in as_completed(waiting):
                failure = _failure(done)
                in_a_row = in_a_row + 1 if failure and not failure.gone else 0
                if failure:
                    failures.append(failure)
                if in_a_row == MAX_FAILURES_IN_A_ROW:
                    break
                bar.update()
    finally:
        source.stopped.set()
        pool.shutdown(cancel_futures=True)
    if failures:
        raise _incomplete(len(wanted), failures)


class _Source:
    """A server's files; connections are kept, one a thread."""

    def __init__(self, base_url: str, attempts: int, backoff_s: float) -> None:
        self.base_url = base_url
        self.attempts = attempts
        self.backoff_s = backoff_s
        self.stopped = Event()
        self._of_thread = local()
        self._fetchers: list[Fetcher] = []

    def get(self, name: str, sha: str | None = None) -> bytes:
        """Return a file whose checksum is right, after as many attempts as it may take."""
        for attempt in range(1, self.attempts + 1):
            try:
                return self._try(name, sha)
            except FetchError as error:
                wait = self.backoff_s * 2 ** (attempt - 1)
                if error.gone or attempt == self.attempts or self.stopped.wait(wait):
                    raise
        raise AssertionError("unreachable")

    def _try(self, name: str, sha: str | None) -> bytes:
        content = self._fetcher().fetch(self.base_url + name, MAX_FILE_BYTES, max_s=600)
        if sha and sha256(content).hexdigest() != sha:
            raise FetchError(f"{name} arrived damaged: its checksum differs from {CHECKSUMS}.")
        return content

    def _fetcher(self) -> Fetcher:
        if not hasattr(self._of_thread, "fetcher"):
            self._of_thread.fetcher = Fetcher()
            self._fetchers.append(self._of_thread.fetcher)
        return self._of_thread.fetcher

    def close(self) -> None:
        """Close all connections, once no thread fetches any more."""
        for fetcher in self._fetchers:
            fetcher.close()


def _wanted(source: _Source) -> dict[str, str]:
    """Return name and SHA-256 of each file to get; names that lead elsewhere are not wanted."""
    try:
        lines = source.get(CHECKSUMS).decode("utf-8", errors="replace").splitlines()
    except FetchError as error:
        raise DownloadError(
            f"{error} Check the address and the network, then run the same again."
        ) from error
    listed = [match for line in lines if (match := _CHECKSUM_LINE.fullmatch(line.strip()))]
    wanted = {m["name"]: m["sha256"] for m in listed if _WANTED.fullmatch(m["name"])}
    if "ptbxl_database.csv" not in wanted:
        raise DownloadError(
            f"{source.base_url}{CHECKSUMS} lists no ptbxl_database.csv: this is not PTB-XL. Give "
            f"its address, such as {PHYSIONET}."
        )
    return wanted


def _get(source: _Source, dest: Path, name: str, sha: str) -> None:
    path = dest / name
    if path.is_file() and sha256(path.read_bytes()).hexdigest() == sha:
        return
    if not source.stopped.is_set():
        # Each file is checked when the download is run again.
        write_bytes(path, source.get(name, sha), sync=False)


def _failure(done: Future[None]) -> FetchError | None:
    try:
        done.result()
    except FetchError as error:
        return error
    return None


def _incomplete(total: int, failures: list[FetchError]) -> DownloadError:
    return DownloadError(
        f"{len(failures):,} of {total:,} files could not be had: {failures[0]} What is there is "
        "kept; run the same again for the rest."
    )


def _remove_leftovers(dest: Path) -> None:
    """Remove what kills left half written."""
    for leftover in dest.rglob(".*.part"):
        leftover.unlink(missing_ok=True)
