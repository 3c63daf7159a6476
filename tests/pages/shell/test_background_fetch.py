import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from physionet import PhysioNet, serving, write_record

from pages.shell.background_fetch import BackgroundFetch, FetchProgress
from protoecg.prototypes.prototype import SourceECG
from protoecg.prototypes.waveforms import Waveforms, record_checksum

RECORDS = [f"records100/00000/0000{n}_lr" for n in range(5)]
SOON_S = 0.05


@pytest.fixture
def physionet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PhysioNet]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for seed, record in enumerate(RECORDS):
        write_record(tmp_path / "physionet", record, seed)
    with serving(tmp_path / "physionet") as server:
        yield server


@pytest.fixture
def waveforms(tmp_path: Path, physionet: PhysioNet) -> Waveforms:
    return Waveforms(tmp_path / "bundle", None, tmp_path / "cache", physionet.url)


@pytest.fixture
def sources(physionet: PhysioNet) -> list[SourceECG]:
    return [source(physionet.root, record) for record in RECORDS]


def source(root: Path, record: str) -> SourceECG:
    return SourceECG(
        name=record,
        record=record,
        window_s=(0.0, 10.0),
        statements=(),
        patient="",
        age=None,
        sex=None,
        sha256=record_checksum(root, record),
    )


def started(waveforms: Waveforms, sources: list[SourceECG], **settings: float) -> BackgroundFetch:
    fetching = BackgroundFetch(waveforms, sources, **settings)
    fetching.start()
    return fetching


def until(fetching: BackgroundFetch, holds: Callable[[FetchProgress], bool]) -> FetchProgress:
    """Return the progress once something holds of it."""
    deadline = time.monotonic() + 60
    while not holds(fetching.progress) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert holds(fetching.progress)
    return fetching.progress


def ended(fetching: BackgroundFetch) -> FetchProgress:
    return until(fetching, lambda progress: not progress.running)


def arrived(fetching: BackgroundFetch, source: SourceECG) -> None:
    until(fetching, lambda _: not fetching.is_awaited(source))


def test_everything_missing_is_got_once_and_nothing_that_is_here(waveforms, physionet, sources):
    write_record(waveforms.cache, RECORDS[0], 0)

    progress = ended(started(waveforms, [*sources, *sources]))

    assert (progress.done, progress.total, progress.running) == (5, 5, False)
    assert waveforms.missing(sources) == []
    assert sorted(physionet.asked) == sorted(
        f"/{record}.{end}" for record in RECORDS[1:] for end in ("hea", "dat")
    )


def test_what_is_preferred_comes_first(waveforms, physionet, sources):
    fetching = BackgroundFetch(waveforms, sources)
    fetching.prefer(sources[3])
    assert fetching.is_awaited(sources[3])

    fetching.start()

    ended(fetching)
    assert physionet.asked[0] == f"/{RECORDS[3]}.hea"
    assert not fetching.is_awaited(sources[3])


def test_an_ecg_that_is_no_prototypes_is_got_when_asked_for(waveforms, physionet, sources):
    fetching = started(waveforms, sources[:1])
    ended(fetching)

    fetching.prefer(sources[4])

    arrived(fetching, sources[4])
    assert waveforms.load(sources[4]).source == RECORDS[4]


def test_where_the_server_breaks_off_it_goes_on_with_what_is_left(waveforms, physionet, sources):
    physionet.breaks_off_after = 5
    fetching = started(waveforms, sources, first_pause_s=SOON_S)
    assert until(fetching, lambda progress: progress.problem and progress.done == 2).running

    physionet.breaks_off_after = None

    assert ended(fetching).complete
    assert fetching.progress.problem == ""
    whole = [path for path in physionet.asked if RECORDS[0] in path or RECORDS[1] in path]
    assert len(whole) == 4


def test_a_new_start_goes_on_where_the_last_one_ended(waveforms, physionet, sources):
    physionet.breaks_off_after = 4
    broken_off = started(waveforms, sources, first_pause_s=3600)
    assert until(broken_off, lambda progress: progress.problem).done == 2
    physionet.breaks_off_after, physionet.asked[:] = None, []

    assert ended(started(waveforms, sources)).complete

    assert len(physionet.asked) == 6


def test_a_server_that_cannot_be_reached_is_tried_again(tmp_path, waveforms, physionet, sources):
    port = physionet.server_port
    physionet.shutdown()
    physionet.server_close()
    fetching = started(waveforms, sources, first_pause_s=SOON_S)
    progress = until(fetching, lambda progress: progress.problem)
    assert "No connection" in progress.problem
    assert (progress.done, progress.running) == (0, True)

    with serving(tmp_path / "physionet", port):
        assert ended(fetching).complete


def test_an_ecg_that_the_server_does_not_have_is_said_and_not_asked_for_again(
    waveforms, physionet, sources
):
    physionet.broken[f"/{RECORDS[1]}.dat"] = 404
    fetching = started(waveforms, sources, first_pause_s=SOON_S)

    progress = ended(fetching)

    assert (progress.done, progress.total, progress.running) == (4, 5, False)
    assert "404" in fetching.refusal(sources[1])
    fetching.prefer(sources[1])
    assert not fetching.is_awaited(sources[1])
    assert physionet.asked.count(f"/{RECORDS[1]}.dat") == 1


def test_a_cache_that_cannot_be_written_ends_it(tmp_path, physionet, sources):
    (tmp_path / "file").write_text("")
    fetching = started(Waveforms(tmp_path, None, tmp_path / "file", physionet.url), sources)

    assert "PROTOECG_CACHE" in ended(fetching).problem
    assert len(physionet.asked) == 2


def test_who_tries_again_need_not_wait_for_the_next_try(tmp_path, waveforms, physionet, sources):
    physionet.breaks_off_after = 4
    fetching = started(waveforms, sources, first_pause_s=3600)
    until(fetching, lambda progress: progress.problem)
    physionet.breaks_off_after = None

    fetching.try_again()

    assert ended(fetching).complete


def test_what_was_refused_is_asked_for_when_a_person_tries_again(waveforms, physionet, sources):
    physionet.broken[f"/{RECORDS[1]}.dat"] = 404
    fetching = started(waveforms, sources, first_pause_s=SOON_S)
    assert ended(fetching).done == 4
    physionet.broken.clear()

    fetching.try_again()

    assert until(fetching, lambda progress: progress.complete)
    assert fetching.refusal(sources[1]) == ""


def test_a_folder_that_can_be_written_to_again_is_filled(waveforms, physionet, sources):
    waveforms.cache.write_text("a file where a folder should be")
    fetching = started(waveforms, sources, first_pause_s=SOON_S)
    assert "Cannot write to" in ended(fetching).problem
    waveforms.cache.unlink()

    fetching.try_again()

    assert until(fetching, lambda progress: progress.complete)
