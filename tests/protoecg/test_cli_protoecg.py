import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pypdfium2
import pytest

from protoecg.__main__ import main
from protoecg.ecg import LEADS
from protoecg.simulate import simulate

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "ecg.npy"
    np.save(path, simulate(["AFIB"], seed=1, rate=500).ecg.signal)
    return path


def refused(capsys, *arguments):
    """Run a command that must fail and return the one line that says why."""
    assert main([str(a) for a in arguments]) == 1
    out, err = capsys.readouterr()
    lines = err.rstrip("\n").split("\n")
    assert len(lines) == 1 and lines[0] and not out
    return lines[0]


@pytest.mark.parametrize("command", [[], ["explain"], ["fetch"]])
def test_help_says_what_a_command_does(command, capsys):
    assert main([*command, "--help"]) == 0
    assert "Usage: python -m protoecg" in capsys.readouterr().out


def test_help_says_that_it_is_for_research_only(capsys):
    assert main(["--help"]) == 0
    assert "Research use only" in capsys.readouterr().out


def test_json_holds_the_whole_explanation(file, tiny_bundle, capsys):
    command = ["explain", file, "--rate", 500, "--bundle", tiny_bundle.path, "--json"]
    assert main([str(a) for a in command]) == 0
    read = json.loads(capsys.readouterr().out)
    assert len(read["findings"]) == len(tiny_bundle.statements)
    for finding in read["findings"]:
        total = finding["bias"] + sum(match["contribution"] for match in finding["matches"])
        assert total == pytest.approx(finding["logit"], abs=1e-4)


def test_words_name_the_bundle_and_say_what_it_is_for(file, tiny_bundle, capsys):
    assert main(["explain", str(file), "--rate", "500", "--bundle", str(tiny_bundle.path)]) == 0
    printed = capsys.readouterr().out
    assert "ecg.npy by Tiny (simulated)" in printed and "Research use only" in printed


def test_a_record_of_a_data_set_is_read_by_its_header(tiny_bundle, simulated_root, capsys):
    header = next((simulated_root / "records100").rglob("*.hea"))
    assert main(["explain", str(header), "--bundle", str(tiny_bundle.path), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["findings"]) == len(tiny_bundle.statements)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("ecg.csv", b"no,ecg\n1,2\n"),
        ("ecg.npy", b"\x93NUMPY nothing"),
        ("ecg.hea", b"ecg 12 500 5000\n"),
        ("ecg.pdf", b"%PDF-1.4"),
        ("ecg.csv", b""),
    ],
)
def test_a_file_that_is_no_ecg_gets_one_line(name, content, tmp_path, tiny_bundle, capsys):
    (tmp_path / name).write_bytes(content)
    refused(capsys, "explain", tmp_path / name, "--bundle", tiny_bundle.path)


def test_a_file_that_is_not_there_gets_one_line(tmp_path, tiny_bundle, capsys):
    printed = refused(capsys, "explain", tmp_path / "none.csv", "--bundle", tiny_bundle.path)
    assert "none.csv" in printed


def test_a_bundle_that_is_none_gets_one_line(file, tmp_path, capsys):
    printed = refused(capsys, "explain", file, "--rate", 500, "--bundle", tmp_path)
    assert "no bundle" in printed
    assert "no bundle" in refused(capsys, "fetch", tmp_path / "nowhere")


def test_fetch_has_all_of_a_bundle_that_carries_its_waveforms(tiny_bundle, capsys):
    assert main(["fetch", str(tiny_bundle.path)]) == 0


def test_the_command_line_ends_with_the_code_of_its_failure(tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "protoecg", "explain", str(tmp_path / "none.csv")],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 1 and not run.stdout
    assert len(run.stderr.strip().split("\n")) == 1


@pytest.fixture
def long_file(tmp_path):
    """Ten seconds of faint noise, then those of an ECG."""
    ecg = simulate(["AFIB"], seed=1, rate=500).ecg.signal
    quiet = 0.01 * np.random.default_rng(0).standard_normal(ecg.shape)
    np.save(tmp_path / "long.npy", np.concatenate([quiet, ecg], axis=1))
    return tmp_path / "long.npy"


def test_measure_begins_where_it_is_told_to(file, long_file, capsys):
    assert main(["measure", str(file), "--rate", "500", "--json"]) == 0
    alone = json.loads(capsys.readouterr().out)
    assert main(["measure", str(long_file), "--rate", "500", "--start", "10", "--json"]) == 0
    cut = json.loads(capsys.readouterr().out)
    assert cut["heart_rate_bpm"] == alone["heart_rate_bpm"] and cut["qrs_ms"] == alone["qrs_ms"]
    assert cut["notes"][-1] == "Seconds 10 to 20 of a recording of 20 s."


def test_measure_says_what_the_reader_noted_and_what_is_wrong_with_the_recording(tmp_path, capsys):
    signal = simulate(["AFIB"], seed=1, rate=500).ecg.signal.copy()
    signal[7, 1000:3000] = 0
    np.save(tmp_path / "flat.npy", signal)
    command = ["measure", str(tmp_path / "flat.npy"), "--rate", "500"]
    assert main(command) == 0
    lines = capsys.readouterr().out.split("\n")
    assert any(line.startswith("! ") and "V2" in line for line in lines)
    assert any(line.startswith("! ") and "order" in line for line in lines)
    assert main([*command, "--json"]) == 0
    read = json.loads(capsys.readouterr().out)
    assert "V2" in read["quality"][0] and read["notes"]


@pytest.fixture
def bare(tmp_path):
    """Counts of 5 uV, the chest leads first: nothing of it is said by the file."""
    signal = simulate(["AFIB"], seed=1, rate=500).ecg.signal
    np.save(tmp_path / "bare.npy", np.round(np.roll(signal, 6, axis=0) * 200))
    return tmp_path / "bare.npy"


OPTIONS = ["--rate", "500", "--unit", "5 uV", "--leads", "V1,V2,V3,V4,V5,V6,I,II,III,aVR,aVL,aVF"]


def test_what_a_file_does_not_say_is_given_by_options(bare, file, tiny_bundle, tmp_path, capsys):
    assert "(--rate 500)" in refused(capsys, "measure", bare)
    assert "(--unit uV)" in refused(capsys, "measure", bare, "--rate", 500)
    assert main(["measure", str(file), "--rate", "500", "--json"]) == 0
    known = json.loads(capsys.readouterr().out)
    assert main(["measure", str(bare), *OPTIONS, "--json"]) == 0
    given = json.loads(capsys.readouterr().out)
    assert given["axis_deg"] == pytest.approx(known["axis_deg"], abs=1)
    assert given["heart_rate_bpm"] == known["heart_rate_bpm"]

    assert main(["explain", str(bare), *OPTIONS, "--bundle", str(tiny_bundle.path)]) == 0
    assert "! Read in 5 uV, as it was given" in capsys.readouterr().out
    batch = ["batch", str(bare.parent), *OPTIONS, "--bundle", str(tiny_bundle.path)]
    assert main([*batch, "--out", str(tmp_path / "out.csv")]) == 0
    rows = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)
    row = rows[rows["file"] == "bare.npy"].iloc[0]
    assert not row["error"] and "Read in 5 uV" in row["notes"]


@pytest.fixture
def dated(tmp_path):
    """A WFDB record that says when it was taken, and of whom."""
    signal = simulate(["AFIB"], seed=1, rate=500).ecg.signal
    lines = [f"dated.dat 16 1000(0)/mV 16 0 0 0 0 {lead}" for lead in LEADS]
    head = ["dated 12 500 5000 10:42:05 03/03/2021", *lines, "#Age: 64", "#Sex: Female"]
    (tmp_path / "dated.hea").write_text("\n".join(head))
    (tmp_path / "dated.dat").write_bytes((signal.T * 1000).astype("<i2").tobytes())
    return tmp_path / "dated.hea"


TAKEN = "2021-03-03 10:42 · 64 years · female"


def test_when_an_ecg_was_taken_and_of_whom_is_told_where_it_is_asked_for(
    dated, tiny_bundle, tmp_path, capsys
):
    explain = ["explain", str(dated), "--bundle", str(tiny_bundle.path)]
    for options in ([], ["--taken"]):
        assert main([*explain, *options]) == 0
        assert (TAKEN in capsys.readouterr().out) == bool(options)
        assert main([*explain, "--json", *options]) == 0
        assert ("taken" in json.loads(capsys.readouterr().out)) == bool(options)
        earlier = ["--earlier", dated, "--bundle", tiny_bundle.path, *options]
        printed = " ".join(report(tmp_path, dated, *earlier).split())
        assert printed.count(TAKEN) == 2 * bool(options)


def test_a_table_of_many_ecgs_and_fhir_never_say_when_and_of_whom(dated, tiny_bundle, tmp_path):
    outs = tmp_path / "out.csv", tmp_path / "parts", tmp_path / "fhir"
    options = ["--bundle", str(tiny_bundle.path)]
    fhir = ["--fhir", str(outs[2])]
    assert main(["batch", str(dated.parent), *options, "--out", str(outs[0]), *fhir]) == 0
    assert main(["batch", str(dated.parent), *options, "--out", str(outs[1]), "--jobs", "1"]) == 0
    written = [outs[0].read_text(), pd.read_parquet(outs[1]).to_csv()]
    written += [path.read_text() for path in outs[2].iterdir()]
    assert len(written) == 3 and "dated" in written[0]
    assert not any(word in text for text in written for word in ("2021-03", "10:42", "emale"))


def report(tmp_path, *arguments):
    out = tmp_path / "page.pdf"
    assert main([str(a) for a in ["report", *arguments, "--rate", 500, "--out", out]]) == 0
    document = pypdfium2.PdfDocument(out.read_bytes())
    return document[0].get_textpage().get_text_range()


def test_a_report_begins_with_the_earlier_ecg_where_it_is_told_to(
    file, long_file, tiny_bundle, tmp_path
):
    options = ["--bundle", tiny_bundle.path, "--earlier", long_file]
    both = report(tmp_path, long_file, *options, "--start", 10)
    # An ECG of ten seconds has no other start than 0: the earlier one then names its own.
    own = report(tmp_path, file, *options, "--earlier-start", 10)
    # The first ten seconds hold no beat.
    assert "Earlier: Heart rate 106 bpm" in " ".join(both.split())
    assert "Earlier: Heart rate 106 bpm" in " ".join(own.split())
