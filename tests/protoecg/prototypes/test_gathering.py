import json
import os

import numpy as np
import pytest

from protoecg.__main__ import main
from protoecg.bundle import load_bundle
from protoecg.labels import PTBXL
from protoecg.prototypes.gathering import SetError, gather
from protoecg.prototypes.manifest import BundleError
from protoecg.prototypes.records import write_record
from protoecg.prototypes.sets import load_set
from protoecg.prototypes.waveforms import Waveforms
from protoecg.simulate import simulate

WINDOW = {"statement": "PVC", "branch": "beats", "record": "one", "window_s": [4.0, 5.2]}


@pytest.fixture(scope="module")
def signal():
    return simulate(["PVC", "SR"], seed=3, rate=500).ecg.signal


@pytest.fixture
def folder(tmp_path, signal):
    """Somebody's folder: a WFDB record of ten seconds at 500 Hz and an array of half a minute."""
    write_record(tmp_path / "theirs" / "one", signal, 500)
    np.save(tmp_path / "theirs" / "long.npy", np.tile(signal, 3))
    return tmp_path / "theirs"


@pytest.fixture
def gathered(folder, tmp_path):
    def run(*entries, **fields):
        manifest = {"name": "Theirs", "prototypes": [WINDOW | entry for entry in entries]} | fields
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return gather(folder / "manifest.json", tmp_path / "models" / "theirs")

    return run


def test_a_manifest_becomes_a_set_whose_ecgs_are_as_they_were(gathered, signal):
    made = gathered({}, {"window_s": [1.0, 2.0]}, source="A. Group, 2026")
    assert [p.name for p in made.prototypes] == ["beats-PVC-1", "beats-PVC-2"]
    assert made.labels.named("PVC") == PTBXL.named("PVC")
    assert made.about == {"source": "A. Group, 2026"}
    assert load_set(made.path) == made
    ecg = Waveforms.for_bundle(made.path, made.self_contained).load(made.prototypes[0])
    assert ecg.rate == 500
    assert np.abs(ecg.signal - signal).max() < 0.001


def test_of_a_long_record_the_ten_seconds_around_the_window_are_kept(gathered, signal):
    made = gathered({"record": "long.npy", "rate": 500, "window_s": [20.5, 21.5]})
    (prototype,) = made.prototypes
    ecg = Waveforms.for_bundle(made.path, made.self_contained).load(prototype)
    start, end = prototype.window_s
    assert ecg.duration == 10 and 0 <= start < end <= 10
    assert np.abs(ecg.between(start, end) - np.tile(signal, 3)[:, 10250:10750]).max() < 0.001


def test_windows_of_one_record_share_its_ecg(gathered):
    made = gathered({}, {"window_s": [1.0, 2.0]}, {"window_s": None})
    assert len(list((made.path / "waveforms").glob("*.dat"))) == 1
    assert made.prototypes[2].window_s == (0.0, 10.0)


def test_the_same_window_keeps_its_ratings_in_whatever_set_it_is(gathered, folder, tmp_path):
    (prototype,) = gathered({}).prototypes
    again = gather(folder / "manifest.json", tmp_path / "models" / "again")
    assert again.prototypes[0].identity == prototype.identity


def test_a_statement_of_ones_own_is_told_in_words(gathered):
    made = gathered({"statement": "X1", "words": "a sign of ours"}, {})
    assert made.labels.named("X1") == "A sign of ours (X1)"
    assert made.labels["PVC"].description


def test_what_else_is_in_an_ecg_is_known_only_where_it_is_told(gathered):
    made = gathered({}, {"statement": "SR", "window_s": None, "statements": ["SR", "PVC", "ZZZ"]})
    assert made.prototypes[0].statements == ()
    assert set(made.prototypes[1].statements) == {"SR", "PVC"}


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"record": "../one"}, "stays in the manifest's folder"),
        ({"record": "/etc/passwd"}, "stays in the manifest's folder"),
        ({"record": "none"}, "none"),
        ({"record": "long.npy"}, "rate"),
        ({"window_s": [9.5, 10.5]}, "within it"),
        ({"window_s": [5.0, 5.0]}, "within it"),
        ({"window_s": [-1, 1]}, "window_s"),
        ({"record": "long.npy", "rate": 500, "window_s": [1, 12]}, "at most 10 s"),
        ({"statement": "<b>"}, "no code"),
        ({"statement": "X1"}, "say in `words`"),
        ({"statement": "X1", "words": "![](http://x)"}, "say in `words`"),
        ({"branch": "a](b"}, "branch"),
        ({"name": "=1+1"}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"colour": "red"}, "colour"),
        ({"age": -3}, "age"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence_and_nothing_is_written(
    gathered, tmp_path, entry, message
):
    with pytest.raises(SetError, match=".*\\.$") as refused:
        gathered(entry)
    assert message in str(refused.value) and "\n" not in str(refused.value)
    assert list((tmp_path / "models").glob("*")) == []


def test_two_of_one_name_or_of_two_meanings_are_refused(gathered):
    with pytest.raises(SetError, match="Two prototypes are called A"):
        gathered({"name": "A"}, {"name": "A"})
    with pytest.raises(SetError, match="means something else"):
        gathered({"statement": "X1", "words": "one"}, {"statement": "X1", "words": "other"})


@pytest.mark.parametrize("text", ["", "[]", "{", '{"name": "x", "prototypes": []}', "[" * 100_000])
def test_what_is_no_manifest_is_refused(folder, tmp_path, text):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(SetError, match="docs/curation.md"):
        gather(folder / "manifest.json", tmp_path / "models" / "theirs")


def test_links_and_pipes_in_the_folder_are_not_read(gathered, folder, tmp_path):
    (tmp_path / "secret.npy").write_bytes((folder / "long.npy").read_bytes())
    (folder / "link.npy").symlink_to(tmp_path / "secret.npy")
    with pytest.raises(SetError, match="Put the file itself there"):
        gathered({"record": "link.npy", "rate": 500})
    (folder / "link.npy").unlink()
    os.mkfifo(folder / "one.dat.npy")
    with pytest.raises(SetError, match="no file of the manifest's folder"):
        gathered({})


def test_a_set_has_no_network_and_says_so(gathered):
    made = gathered({})
    with pytest.raises(BundleError, match="can be rated only"):
        load_bundle(made.path)


def test_a_damaged_set_is_refused(gathered):
    made = gathered({})
    text = (made.path / "prototypes.json").read_text()
    (made.path / "prototypes.json").write_text(text.replace("PVC", "AFIB"))
    with pytest.raises(BundleError, match="damaged"):
        load_set(made.path)


def test_a_set_whose_curations_cannot_be_read_is_refused(gathered):
    made = gathered({})
    head = json.loads((made.path / "bundle.json").read_text())
    head["about"]["curations"] = [{"date": 3}]
    (made.path / "bundle.json").write_text(json.dumps(head))
    with pytest.raises(BundleError, match=r"its curations cannot be read\. "):
        load_set(made.path)


def test_the_command_makes_a_set_once(folder, tmp_path, capsys):
    (folder / "m.json").write_text(json.dumps({"name": "Theirs", "prototypes": [WINDOW]}))
    command = ["gather", str(folder / "m.json"), "--out", str(tmp_path / "set")]
    assert main(command) == 0
    assert "prototypes to rate: 1" in capsys.readouterr().out
    assert main(command) == 1
    assert "is there already" in capsys.readouterr().err
