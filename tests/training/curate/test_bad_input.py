"""What cannot be curated by is refused in one sentence, and all stays as it was."""

import json
import shutil

import pytest
from test_curate import RULE, opinions, ordinary
from test_interrupted import kept

from protoecg.bundle import load_bundle
from training.__main__ import main


@pytest.fixture
def given(bundle, simulated_root, tmp_path):
    """A bundle, an export, a rule and a data set that a test may spoil; `run` curates by them."""
    shutil.copytree(bundle.path, tmp_path / "bundle")
    shutil.copytree(simulated_root, tmp_path / "data")
    (tmp_path / "export").mkdir()
    ratings = opinions(bundle, {ordinary(bundle).name: 1})
    ratings.to_csv(tmp_path / "export" / "opinions.csv", index=False)
    (tmp_path / "rule.toml").write_text(RULE)
    return tmp_path


def run(folder):
    names = ("bundle", "rule", "data", "out", "work")
    places = {"rule": "rule.toml"}
    options = [part for n in names for part in (f"--{n}", folder / places.get(n, n))]
    return main([*map(str, ["curate", *options, "--ratings", folder / "export"])])


def another_window(folder, bad):
    (folder / "rule.toml").write_text(f'{RULE}[chosen]\n"{bad.name}" = "no/record 1.00"\n')


def half_a_line(folder, bad):
    (folder / "rule.toml").write_text(f'{RULE}[chosen]\n"{bad.name}" = "somewhere"\n')


def kept_and_retired(folder, bad):
    (folder / "rule.toml").write_text(f'retire = ["{bad.name}"]\nkeep = ["{bad.name}"]\n')


def no_index(folder, bad):
    (folder / "bundle" / "neighbours.json").unlink()


def another_data_set(folder, bad):
    table = folder / "data" / "ptbxl_database.csv"
    table.write_text("\n".join(table.read_text().splitlines()[:-1]))


def no_data_set(folder, bad):
    (folder / "data" / "ptbxl_database.csv").unlink()


def a_record_cut_off(folder, bad):
    for file in (folder / "data").rglob("*.dat"):
        file.write_bytes(file.read_bytes()[:100])


def columns_lack(folder, bad):
    (folder / "export" / "opinions.csv").write_text("reviewer,window\nR01,f\n")


def answered_twice(folder, bad):
    file = folder / "export" / "opinions.csv"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([*lines, lines[-1]]))


def no_text(folder, bad):
    (folder / "export" / "opinions.csv").write_bytes(b"\xff\xfe\x00reviewer")


def another_fit(folder, bad):
    head = json.loads((folder / "bundle" / "bundle.json").read_text())
    head["about"]["log"] = []
    (folder / "bundle" / "bundle.json").write_text(json.dumps(head))
    index = folder / "bundle" / "neighbours.json"
    document = json.loads(index.read_text())
    document["revision"] = load_bundle(folder / "bundle").revision
    index.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (another_window, "can't take the place of"),
        (half_a_line, "can't take the place of"),
        (kept_and_retired, "to be retired and kept"),
        (no_index, "no index of its training ECGs"),
        (another_data_set, "data"),
        (no_data_set, "not found"),
        (a_record_cut_off, "incomplete"),
        (columns_lack, "lacks the columns"),
        (answered_twice, "two answers"),
        (no_text, "is no CSV in UTF-8"),
        (another_fit, "does not say by which penalties"),
    ],
    ids=lambda of: getattr(of, "__name__", ""),
)
def test_it_is_refused_in_a_sentence_and_all_stays_as_it_was(given, bundle, spoil, message, capfd):
    spoil(given, ordinary(bundle))
    with kept(given / "bundle", given / "export", given / "data"):
        assert run(given) == 1
    sentence = capfd.readouterr().err.splitlines()[-1]
    assert message in sentence and "Traceback" not in sentence
    assert not (given / "out").exists() and not list(given.glob(".out*"))
