import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import wfdb

from protoecg.ecg import LEADS
from protoecg.simulate import simulate
from training.__main__ import main
from training.measure.ludb import WAYS, MarkedBeat, evaluate, marked

ROOT = Path(__file__).resolve().parents[3]
BOUNDS = {"heart_rate_bpm": 1.5, "qrs_ms": 10, "pr_ms": 12, "qt_ms": 18}


@pytest.fixture(scope="module")
def records():
    """Headers of the real LUDB records at hand, the same few each time."""
    root = Path(os.environ.get("PROTOECG_LUDB") or ROOT / "data" / "ludb")
    found = sorted(root.rglob("*.hea"), key=lambda path: int(path.stem))
    if not found:
        pytest.skip(f"no LUDB at {root}: name its folder in PROTOECG_LUDB")
    return found[4::12]


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """A record in LUDB's layout, marked where it was simulated."""
    folder = tmp_path_factory.mktemp("ludb")
    simulated = simulate(["NORM"], seed=3, rate=500)
    names = [lead.lower() for lead in LEADS]
    wfdb.wrsamp(
        "1",
        fs=500,
        units=["mV"] * 12,
        sig_name=names,
        p_signal=simulated.ecg.signal.T.astype(float),
        fmt=["16"] * 12,
        write_dir=str(folder),
    )
    marks = []
    for event in simulated.events:
        if symbol := {"P": "p", "QRS": "N", "T": "t"}.get(event.kind):
            middle = (event.onset_s + event.offset_s) / 2
            marks += [(event.onset_s, "("), (middle, symbol), (event.offset_s, ")")]
    samples = np.array([round(500 * seconds) for seconds, _ in marks])
    wfdb.wrann("1", "all", samples, [symbol for _, symbol in marks], fs=500, write_dir=str(folder))
    # wfdb writes no extension with a digit in it.
    for name in names:
        shutil.copy(folder / "1.all", folder / f"1.{name}")
    return folder, simulated


def test_marks_are_read_as_they_were_made(known):
    folder, simulated = known
    leads = marked(folder / "1.hea")
    true = [e for e in simulated.events if e.kind == "QRS"]
    assert set(leads) == set(LEADS)
    for beats in leads.values():
        assert [b.qrs[0] for b in beats] == pytest.approx([e.onset_s for e in true], abs=0.002)
        assert all(beat.t is None or beat.t[0] > beat.qrs[1] for beat in beats)
        assert all(beat.p is None or beat.p[1] < beat.qrs[0] for beat in beats)


def test_the_command_prints_and_writes_the_errors(known, tmp_path, capsys):
    folder, _ = known
    figures = tmp_path / "figures.json"
    assert main(["ludb", "--data", str(folder), "--json", str(figures)]) == 0
    printed, document = capsys.readouterr().out, json.loads(figures.read_text())
    assert document["n"] == 1 and "qrs_ms" in printed and "lead II" in printed
    beats = len([e for e in known[1].events if e.kind == "QRS"])
    assert document["beats"] == {"marked": beats, "missed": 0, "extra": 0}
    assert f"Of {beats} beats 0 missed, 0 more found" in printed
    for name, bound in BOUNDS.items():
        for found in document["errors"][name].values():
            assert found["nulls"] == 0 and found["median_absolute"] < 2 * bound


def test_beats_that_experts_did_not_mark_and_those_not_found_are_counted(known, monkeypatch):
    folder, _ = known
    marks = marked(folder / "1.hea")
    missed = {lead: beats[:3] + beats[4:] for lead, beats in marks.items()}
    changed = {lead: [*beats, MarkedBeat((20, 20.1), None, None)] for lead, beats in missed.items()}
    monkeypatch.setattr("training.measure.ludb.marked", lambda header: changed)
    counted = evaluate(folder)["beats"]
    assert counted["marked"] == len(marks["II"])
    assert (counted["missed"], counted["extra"]) == (1, 1)


def test_a_folder_without_records_is_refused(tmp_path, capsys):
    assert main(["ludb", "--data", str(tmp_path), "--json", str(tmp_path / "x.json")]) == 1
    assert "No WFDB record" in capsys.readouterr().err


def test_each_way_reads_the_experts_as_it_says():
    narrow = [MarkedBeat((at, at + 0.08), None, None) for at in (1.0, 2.0, 3.0)]
    wide = [MarkedBeat((at - 0.02, at + 0.10), None, None) for at in (1.0, 2.0, 3.0)]
    leads = dict.fromkeys(LEADS, narrow) | {"V1": wide, "II": wide}
    readings = {way: read("qrs_ms", leads) for way, read in WAYS.items()}
    assert readings["median over leads and beats"] == pytest.approx(80)
    assert readings["median of the leads' medians"] == pytest.approx(80)
    assert readings["median onset to median end"] == pytest.approx(80)
    assert readings["lead II"] == readings["earliest onset to latest end"] == pytest.approx(120)
    assert all(np.isnan(read("pr_ms", leads)) for read in WAYS.values())


def test_measurements_agree_with_experts(records, tmp_path):
    for header in records:
        for file in header.parent.glob(f"{header.stem}.*"):
            shutil.copy(file, tmp_path)
    results = evaluate(tmp_path)
    assert results["n"] == len(records)
    for name, bound in BOUNDS.items():
        way = "mean RR" if name == "heart_rate_bpm" else "median over leads and beats"
        found = results["errors"][name][way]
        assert found["median_absolute"] < bound
        assert found["nulls"] <= 0.2 * found["n"]
