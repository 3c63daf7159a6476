import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from protoecg.__main__ import main
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
    with pytest.raises(SystemExit) as end:
        main([*command, "--help"])
    assert end.value.code == 0
    assert "usage: python -m protoecg" in capsys.readouterr().out


def test_help_says_that_it_is_for_research_only(capsys):
    with pytest.raises(SystemExit):
        main(["--help"])
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
    said = capsys.readouterr().out
    assert "ecg.npy by Tiny (simulated)" in said and "Research use only" in said


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
    said = refused(capsys, "explain", tmp_path / "none.csv", "--bundle", tiny_bundle.path)
    assert "none.csv" in said


def test_a_bundle_that_is_none_gets_one_line(file, tmp_path, capsys):
    said = refused(capsys, "explain", file, "--rate", 500, "--bundle", tmp_path)
    assert "no bundle" in said
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
