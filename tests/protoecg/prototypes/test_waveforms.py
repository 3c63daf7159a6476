import os
import shutil
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from physionet import serving, write_record

from protoecg.ecg import LEADS
from protoecg.prototypes.fetching import Fetcher
from protoecg.prototypes.prototype import Prototype
from protoecg.prototypes.waveforms import (
    CacheNotWritable,
    NoConnection,
    Waveforms,
    WaveformUnavailable,
    record_checksum,
)
from protoecg.readers import read_path

PTBXL = Path(os.environ.get("PROTOECG_PTBXL") or Path(__file__).parents[3] / "data" / "ptbxl")
RECORD = "records100/00000/00001_lr"


def prototype(root, record=RECORD, checksum=None):
    return Prototype(
        name=f"rhythm-AFIB-{record[-8:]}",
        branch="rhythm",
        statement="AFIB",
        record=record,
        window_s=(0.0, 10.0),
        statements=("AFIB",),
        patient="1",
        age=None,
        sex=None,
        sha256=checksum or record_checksum(Path(root), record),
    )


def fetched(waveforms, source):
    with closing(Fetcher()) as fetcher:
        return waveforms.fetch(fetcher, source)


@pytest.fixture
def physionet(tmp_path, monkeypatch):
    """Yield a real server with five records."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    root = tmp_path / "physionet"
    for i in range(5):
        write_record(root, f"records100/00000/0000{i}_lr", i)
    with serving(root) as server:
        yield server


@pytest.fixture
def waveforms(tmp_path, physionet):
    return Waveforms(
        tmp_path / "bundle", tmp_path / "ptbxl", tmp_path / "cache", f"{physionet.url}"
    )


@pytest.fixture
def prototypes(physionet):
    return [prototype(physionet.root, f"records100/00000/0000{i}_lr") for i in range(5)]


@pytest.mark.parametrize("place", ["bundle/waveforms", "ptbxl", "cache"])
def test_the_ecg_is_found_in_every_local_place_without_the_network(
    tmp_path, waveforms, physionet, place
):
    signal = write_record(tmp_path / place, RECORD)
    ecg = waveforms.load(prototype(tmp_path / place))
    np.testing.assert_allclose(ecg.signal, signal, atol=1e-6)
    assert (ecg.rate, ecg.source) == (100, RECORD)
    assert physionet.asked == []


def test_the_samples_are_those_that_the_wfdb_reader_gives(tmp_path, waveforms):
    write_record(tmp_path / "ptbxl", RECORD)
    expected = read_path(tmp_path / "ptbxl" / RECORD).signal
    ecg = waveforms.load(prototype(tmp_path / "ptbxl"))
    np.testing.assert_array_equal(ecg.signal, expected)


@pytest.mark.skipif(not (PTBXL / "records100").is_dir(), reason="no PTB-XL at PROTOECG_PTBXL")
def test_real_ptbxl_records_pass_the_checks(tmp_path):
    for path in sorted((PTBXL / "records100").glob("*/*.hea"))[::1000]:
        record = str(path.relative_to(PTBXL).with_suffix(""))
        ecg = Waveforms(tmp_path, PTBXL).load(prototype(PTBXL, record))
        np.testing.assert_array_equal(ecg.signal, read_path(path).signal)


def test_the_header_text_may_differ_as_long_as_it_says_the_same(tmp_path, waveforms):
    write_record(tmp_path / "ptbxl", RECORD)
    wanted = prototype(tmp_path / "ptbxl")
    upper = [lead.upper() for lead in LEADS]
    write_record(tmp_path / "ptbxl", RECORD, gain="1000/mV", leads=upper)
    assert waveforms.load(wanted).duration == 10


@pytest.mark.parametrize(
    "altered",
    [
        {"gain": "500(0)/mV"},
        {"gain": "1000(7)/mV"},
        {"gain": "1000(0)/uV"},
        {"rate": 500},
        {"leads": LEADS[::-1]},
    ],
)
def test_a_header_that_says_something_else_is_refused(tmp_path, waveforms, altered):
    write_record(tmp_path / "ptbxl", RECORD)
    wanted = prototype(tmp_path / "ptbxl")
    write_record(tmp_path / "ptbxl", RECORD, **altered)
    with pytest.raises(WaveformUnavailable, match="differs from PTB-XL's"):
        waveforms.load(wanted)


def test_a_damaged_copy_is_skipped_for_a_sound_one_and_reported(tmp_path, waveforms, caplog):
    signal = write_record(tmp_path / "cache", RECORD, seed=1)
    write_record(tmp_path / "ptbxl", RECORD, seed=2)
    ecg = waveforms.load(prototype(tmp_path / "cache"))
    np.testing.assert_allclose(ecg.signal, signal, atol=1e-6)
    assert "not the ECG that the bundle was made from" in caplog.text


def test_if_all_copies_are_damaged_the_message_says_so_and_what_to_do(tmp_path, waveforms):
    write_record(tmp_path / "ptbxl", RECORD, seed=2)
    wanted = prototype(tmp_path, checksum=sha256(b"another").hexdigest())
    with pytest.raises(WaveformUnavailable) as failure:
        waveforms.load(wanted)
    for words in ("not the ECG", "set PROTOECG_PTBXL", "python -m protoecg fetch", "bundle"):
        assert words in str(failure.value)


HOSTILE = [
    "../secret", "/etc/passwd", "a/../../b", "records100//x", "a\\b", "C:x", "~/x", ".", "..", "",
    "x/", "a b", "http://h/x", "x\n", "records100/\u0660", "a.b", "%2e%2e/x", "x\0",
]  # fmt: skip


@pytest.mark.parametrize("record", HOSTILE)
def test_a_record_that_leads_out_of_the_folders_is_refused(tmp_path, waveforms, physionet, record):
    wanted = prototype(tmp_path, record, checksum="0" * 64)
    with pytest.raises(WaveformUnavailable, match="Do not use this bundle"):
        fetched(waveforms, wanted)
    with pytest.raises(WaveformUnavailable, match="Do not use this bundle"):
        list(waveforms.fetch_all([wanted]))
    with pytest.raises(WaveformUnavailable, match="Do not use this bundle"):
        record_checksum(tmp_path, record)
    assert waveforms.missing([wanted]) == [wanted]
    assert physionet.asked == []


def test_who_fetches_without_a_network_is_not_told_to_fetch(waveforms, physionet, prototypes):
    physionet.shutdown()
    physionet.server_close()
    with pytest.raises(WaveformUnavailable, match="PROTOECG_PTBXL") as failure:
        list(waveforms.fetch_all(prototypes))
    assert "protoecg fetch" not in str(failure.value)


def test_the_network_is_used_only_when_asked_for(waveforms, physionet, prototypes):
    with pytest.raises(WaveformUnavailable, match="not on this machine"):
        waveforms.load(prototypes[0])
    assert physionet.asked == []
    assert fetched(waveforms, prototypes[0]).source == prototypes[0].record
    assert len(physionet.asked) == 2


def test_what_was_fetched_is_kept_whole_and_nothing_else(tmp_path, waveforms, prototypes):
    fetched(waveforms, prototypes[0])
    kept = [str(p.relative_to(tmp_path / "cache")) for p in (tmp_path / "cache").rglob("*.*")]
    assert sorted(kept) == [f"{prototypes[0].record}.dat", f"{prototypes[0].record}.hea"]
    assert waveforms.load(prototypes[0]).duration == 10


def test_fetching_all_reports_progress_and_asks_once_a_record(waveforms, physionet, prototypes):
    progress = list(waveforms.fetch_all([*prototypes, *prototypes]))
    assert progress == [(n, 5) for n in range(6)]
    assert len(physionet.asked) == 10
    assert waveforms.missing([*prototypes, *prototypes]) == []
    physionet.asked.clear()
    assert list(waveforms.fetch_all(prototypes)) == [(5, 5)]
    assert physionet.asked == []


def test_an_interrupted_fetch_goes_on_where_it_was(waveforms, physionet, prototypes):
    interrupted = waveforms.fetch_all(prototypes)
    assert [next(interrupted) for _ in range(4)][-1] == (3, 5)
    interrupted.close()
    physionet.asked.clear()
    assert list(waveforms.fetch_all(prototypes))[0] == (3, 5)
    assert len(physionet.asked) == 4


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_fails_for_now_is_told_from_one_that_has_no_such_ecg(
    waveforms, physionet, prototypes, status
):
    physionet.broken[f"/{prototypes[0].record}.hea"] = status
    with pytest.raises(NoConnection):
        fetched(waveforms, prototypes[0])
    physionet.broken[f"/{prototypes[1].record}.hea"] = 404
    with pytest.raises(WaveformUnavailable) as failure:
        fetched(waveforms, prototypes[1])
    assert not isinstance(failure.value, NoConnection)


def test_what_breaks_off_in_the_middle_is_not_kept(tmp_path, waveforms, physionet, prototypes):
    physionet.breaks_off_after = 1
    with pytest.raises(NoConnection):
        fetched(waveforms, prototypes[0])
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("status", [404, 403, 500])
def test_a_record_that_is_not_there_does_not_stop_the_others(
    waveforms, physionet, prototypes, status
):
    physionet.broken[f"/{prototypes[1].record}.dat"] = status
    seen = []
    with pytest.raises(WaveformUnavailable, match=rf"1 of 5 ECGs.*answers {status}.*same again"):
        seen.extend(waveforms.fetch_all(prototypes))
    assert waveforms.missing(prototypes) == [prototypes[1]]
    physionet.broken.clear()
    assert list(waveforms.fetch_all(prototypes)) == [(4, 5), (5, 5)]


def test_what_arrives_damaged_is_refused_and_not_kept(tmp_path, waveforms, physionet, prototypes):
    path = physionet.root / f"{prototypes[2].record}.dat"
    path.write_bytes(path.read_bytes()[:-24])
    with pytest.raises(WaveformUnavailable, match="not the ECG that the bundle was made from"):
        fetched(waveforms, prototypes[2])
    assert not (tmp_path / "cache").exists()


def test_what_is_far_too_large_is_not_read_to_the_end(waveforms, physionet, prototypes):
    (physionet.root / f"{prototypes[2].record}.dat").write_bytes(bytes(3_000_000))
    with pytest.raises(WaveformUnavailable, match="larger than"):
        fetched(waveforms, prototypes[2])


def test_a_server_that_is_gone_is_given_up_soon(tmp_path, physionet):
    wanted = [prototype(tmp_path, f"records100/{n}", checksum="0" * 64) for n in range(100)]
    waveforms = Waveforms(tmp_path / "bundle", None, tmp_path / "cache", "http://127.0.0.1:9/")
    seen = []
    with pytest.raises(WaveformUnavailable, match="100 of 100 ECGs.*No connection"):
        seen.extend(waveforms.fetch_all(wanted))
    assert len(seen) < 10


def test_a_cache_that_cannot_be_written_is_named(tmp_path, physionet, prototypes):
    (tmp_path / "file").write_text("")
    waveforms = Waveforms(tmp_path, None, tmp_path / "file", physionet.url)
    with pytest.raises(CacheNotWritable, match="PROTOECG_CACHE"):
        fetched(waveforms, prototypes[0])
    with pytest.raises(CacheNotWritable, match="PROTOECG_CACHE"):
        list(waveforms.fetch_all(prototypes))
    assert len(physionet.asked) == 4


def test_a_simulated_bundle_has_only_its_own_waveforms(
    tmp_path, monkeypatch, physionet, prototypes
):
    monkeypatch.setenv("PROTOECG_PTBXL", str(physionet.root))
    monkeypatch.setenv("PROTOECG_CACHE", str(physionet.root))
    monkeypatch.setenv("PROTOECG_PHYSIONET", physionet.url)
    waveforms = Waveforms.for_bundle(tmp_path / "demo", self_contained=True)
    with pytest.raises(WaveformUnavailable, match="restore its folder 'waveforms'"):
        fetched(waveforms, prototypes[0])
    assert waveforms.missing(prototypes) == prototypes
    shutil.copytree(physionet.root, tmp_path / "demo" / "waveforms")
    assert waveforms.missing(prototypes) == []
    assert list(waveforms.fetch_all(prototypes)) == [(5, 5)]
    assert physionet.asked == []


def test_a_real_bundle_takes_its_places_from_the_environment(
    tmp_path, monkeypatch, physionet, prototypes
):
    monkeypatch.setenv("PROTOECG_PTBXL", str(tmp_path / "nowhere"))
    monkeypatch.setenv("PROTOECG_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PROTOECG_PHYSIONET", physionet.url.rstrip("/"))
    waveforms = Waveforms.for_bundle(tmp_path / "real", self_contained=False)
    fetched(waveforms, prototypes[0])
    assert (tmp_path / "cache" / f"{prototypes[0].record}.dat").is_file()
    monkeypatch.setenv("PROTOECG_PTBXL", str(physionet.root))
    assert Waveforms.for_bundle(tmp_path / "real", self_contained=False).missing(prototypes) == []
