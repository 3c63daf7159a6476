import csv
import io
import os
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from review_db import Item, RatingsError, open_database, save_answer
from review_db.__main__ import main
from review_db.questions.checks import checked_answer
from review_db.ratings.export import export, export_zip
from review_db.studies.design import design_from_toml

ROOT = Path(__file__).resolve().parents[3]
NAMES = ["ratings_long.csv", "ratings_wide.csv", "events.csv", "opinions.csv", "codebook.csv"]


def item(n=0):
    return Item("demo", "f1", f"rhythm-AFIB-{n}", "rhythm", "AFIB")


def save(engine, question, value, n=0, reviewer="R1"):
    save_answer(engine, reviewer=reviewer, item=item(n), question=question, value=value)


@pytest.fixture
def rated(engine):
    save(engine, "clarity", 2)
    save(engine, "clarity", 4)
    save(engine, "accurate", "no")
    save(engine, "alternative", "AFLT")
    save(engine, "comment", "gone")
    save(engine, "comment", None)
    save(engine, "clarity", 5, reviewer="R2")
    return engine


def read(engine):
    with zipfile.ZipFile(io.BytesIO(export_zip(engine))) as archive:
        return {
            name: list(csv.DictReader(io.StringIO(archive.read(name).decode(), newline="")))
            for name in archive.namelist()
        }


def as_entered(cell):
    """What the codebook tells a reader to do with a cell."""
    return cell.removeprefix("'")


def test_long_holds_each_standing_answer(rated):
    rows = read(rated)["ratings_long.csv"]
    assert [(row["reviewer"], row["question"], row["value"]) for row in rows] == [
        ("R1", "clarity", "4"),
        ("R1", "accurate", "no"),
        ("R1", "alternative", "AFLT"),
        ("R2", "clarity", "5"),
    ]


def test_wide_holds_a_row_for_each_reviewer_and_prototype(rated):
    first, second = read(rated)["ratings_wide.csv"]
    assert (first["reviewer"], first["prototype"]) == ("R1", "rhythm-AFIB-0")
    assert (first["clarity"], first["accurate"], first["alternative"]) == ("4", "no", "AFLT")
    assert (first["comment"], first["best"], first["representativeness"]) == ("", "", "")
    assert (second["reviewer"], second["clarity"]) == ("R2", "5")


def test_events_hold_what_was_changed_and_taken_back(rated):
    changes = [
        (row["question"], row["previous_value"], row["value"]) for row in read(rated)["events.csv"]
    ]
    assert changes == [
        ("clarity", "", "2"),
        ("clarity", "2", "4"),
        ("accurate", "", "no"),
        ("alternative", "", "AFLT"),
        ("comment", "", "gone"),
        ("comment", "gone", ""),
        ("clarity", "", "5"),
    ]


def test_times_are_utc(rated):
    for row in read(rated)["events.csv"]:
        at = datetime.fromisoformat(row["at"])
        assert at.utcoffset() == timedelta(0)
        assert abs(datetime.now(UTC) - at) < timedelta(minutes=5)


@pytest.mark.parametrize("fill", [True, False])
def test_every_exported_column_is_in_the_codebook_and_back(engine, tmp_path, fill):
    if fill:
        save(engine, "clarity", 3)
    columns = set()
    for file in export(engine, tmp_path):
        header = next(csv.reader(file.read_text(encoding="utf-8").splitlines()))
        columns |= {(file.name, column) for column in header}
    codebook = read(engine)["codebook.csv"]
    assert {(row["file"], row["column"]) for row in codebook} == columns
    assert len(codebook) == len(columns)
    assert all(row["meaning"] and row["type"] for row in codebook)


def test_the_codebook_explains_every_point_of_a_scale(engine):
    rows = {(row["file"], row["column"]): row for row in read(engine)["codebook.csv"]}
    clarity = rows["ratings_wide.csv", "clarity"]["allowed_values"]
    assert [point.split(" = ")[0] for point in clarity.split("; ")] == ["1", "2", "3", "4", "5"]


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('comments')}/ratings.db")
    yield engine
    engine.dispose()


COMMENTS = st.text(
    st.one_of(
        st.sampled_from("=+-@'\"\n\r\t,;＝ "),
        st.characters(exclude_categories=["Cc", "Cs"], include_characters="\n\r\t"),
    ),
    max_size=40,
)


@settings(max_examples=40, deadline=None)
@given(st.lists(COMMENTS, min_size=1, max_size=8))
@example(['=HYPERLINK("http://x","y")', "+1", "-1", "@SUM(1)", "'=1", "''", "NA", "None", "nan"])
@example(['"', '""', ",", "\r\n", "a\r\nb\rc", "\u2028", "\ufeff", "\x85".strip(), "e\u0301", "🫀"])
def test_every_comment_survives_the_csv_and_none_can_run_as_a_formula(notebook, comments):
    for n, comment in enumerate(comments):
        save(notebook, "comment", comment, n)
    files = read(notebook)
    for rows, column in (
        (files["ratings_long.csv"], "value"),
        (files["ratings_wide.csv"], "comment"),
    ):
        cells = {row["prototype"]: row[column] for row in rows}
        for n, comment in enumerate(comments):
            cell = cells.get(item(n).prototype, "")
            assert as_entered(cell) == checked_answer("comment", comment)
            assert not cell.startswith(tuple("=+-@\t\r\n"))


def test_names_are_no_formulas_either(engine):
    strange = Item("=bundle", "f1", "@prototype", "+branch", "-statement")
    save_answer(engine, reviewer="R1", item=strange, question="clarity", value=3)
    for file, rows in read(engine).items():
        if file not in ("opinions.csv", "codebook.csv"):
            assert [rows[0][c] for c in ("bundle", "prototype", "branch", "statement")] == [
                "'=bundle",
                "'@prototype",
                "'+branch",
                "'-statement",
            ]


def test_the_folder_and_the_archive_hold_the_same(rated, tmp_path):
    files = export(rated, tmp_path / "new" / "folder")
    assert [file.name for file in files] == NAMES
    with zipfile.ZipFile(io.BytesIO(export_zip(rated))) as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {
            file.name: file.read_bytes() for file in files
        }


def test_an_export_that_fails_leaves_nothing_half_written(rated, tmp_path):
    out = tmp_path / "out"
    files = export(rated, out)
    files[2].unlink()
    files[2].mkdir()
    save(rated, "clarity", 1)
    with pytest.raises(RatingsError, match="cannot be written.*Is a directory"):
        export(rated, out)
    assert sorted(os.listdir(out)) == sorted(NAMES)
    assert ",clarity,1," in files[0].read_text(encoding="utf-8")


def test_the_command_line_exports(rated, url, tmp_path):
    run = subprocess.run(
        [sys.executable, "-m", "review_db", "export", "--out", tmp_path / "out", "--database", url],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.split() == [str(tmp_path / "out" / name) for name in NAMES]
    assert (tmp_path / "out" / "ratings_long.csv").read_bytes().count(b"\r\n") == 5


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("export", "--out", "{tmp}/out", "--database", "nonsense"), "is no database URL"),
        (("export", "--out", "{tmp}/out", "--database", "sqlite:///{tmp}/no.db"), "no database of"),
        (("export", "--out", "{file}", "--database", "{url}"), "File exists"),
        (("export", "--out", "{tmp}/out", "--database", "sqlite:///{tmp}/junk"), "is no SQLite"),
    ],
)
def test_the_command_line_says_in_one_line_what_is_wrong(
    rated, url, file, tmp_path, capsys, arguments, message
):
    (tmp_path / "junk").write_bytes(b"junk" * 1000)
    known = {"tmp": tmp_path, "file": file, "url": url}
    assert main([argument.format(**known) for argument in arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert message in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Missing command"),
        (("imprint",), "No such command 'imprint'"),
        (("export",), "Missing option '--out'"),
        (("study",), "Missing command"),
        (("study", "key", "pilot"), "Missing argument 'REVIEWER'"),
    ],
)
def test_a_command_line_that_is_none_is_a_usage_error(capsys, arguments, message):
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err


def test_help_names_files_and_an_example(capsys):
    assert main(["export", "--help"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in (*NAMES, "python -m review_db export --out"))


def test_help_shows_a_design_as_it_is_written(capsys):
    assert main(["study", "create", "--help"]) == 0
    shown = [line.strip() for line in capsys.readouterr().out.splitlines()]
    design_from_toml("\n".join(shown[shown.index('name = "pilot"') :]))
