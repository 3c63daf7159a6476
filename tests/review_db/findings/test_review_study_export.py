import csv
import io
import json
import re
from dataclasses import asdict, replace
from datetime import datetime, timedelta

import pandas as pd
import pytest

from review_db.__main__ import main
from review_db.findings.answers import answer_table, answers_on, assignments_on
from review_db.findings.cases import preferences
from review_db.findings.controls import controls
from review_db.findings.export import study_files
from review_db.findings.flow import flow
from review_db.findings.methods import methods_text
from review_db.findings.scores import item_scores
from review_db.questions.catalogue import STUDY_QUESTIONS
from review_db.ratings.export import export
from review_db.sessions.assignments import ItemStage
from review_db.sessions.sessions import open_item, save_item
from review_db.store.database import reading
from review_db.studies.design import Blinding, DesignError
from review_db.studies.lifecycle import create_study, start_study, study_info
from review_db.studies.running import close_study
from review_db.studies.seats import sign_in

NAMES = [
    "answers_long.csv",
    "answers_wide.csv",
    "events.csv",
    "assignments.csv",
    "looks.csv",
    "trail.csv",
    "estimates.csv",
    "checklist.csv",
    "codebook.csv",
    "protocol.md",
    "README.md",
]


@pytest.fixture(scope="module")
def files(rated_study):
    return study_files(rated_study, "pilot")


def read(content):
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))


def frame(content):
    return pd.read_csv(io.BytesIO(content))


def test_a_study_is_handed_over_as_these_files(files):
    assert list(files) == NAMES


def test_a_study_that_has_not_started_is_handed_over_as_well(engine, pilot, material):
    create_study(engine, pilot, material)
    files = study_files(engine, "pilot")
    assert list(files) == NAMES
    assert "Written once answers may be seen" in files["README.md"].decode()
    assert read(files["answers_long.csv"]) == read(files["assignments.csv"]) == []


def test_every_column_is_in_the_codebook_and_back(files):
    columns = {
        (name, column)
        for name, content in files.items()
        if name.endswith(".csv")
        for column in next(csv.reader(io.StringIO(content.decode())))
    }
    codebook = read(files["codebook.csv"])
    assert {(row["file"], row["column"]) for row in codebook} == columns
    assert len(codebook) == len(columns)
    assert all(row["meaning"] and row["type"] for row in codebook)


def test_the_codebook_allows_what_the_files_hold(files):
    codebook = {(row["file"], row["column"]): row for row in read(files["codebook.csv"])}
    for name in NAMES[:-2]:
        for column in frame(files[name]).columns:
            row = codebook[name, column]
            if row["type"] != "category":
                continue
            allowed = {
                part.strip()
                for words in row["allowed_values"].split(";")
                for part in words.split(" = ")[0].split(",")
            } | {""}
            assert {line[column] for line in read(files[name])} <= allowed, (name, column)


def test_long_and_wide_hold_the_same_answers(files):
    wide = {
        (row["reviewer"], row["position"], row["stage"], question): row[question]
        for row in read(files["answers_wide.csv"])
        for question in STUDY_QUESTIONS
        if row[question]
    }
    long = {
        (row["reviewer"], row["position"], row["stage"], row["question"]): row["value"]
        for row in read(files["answers_long.csv"])
    }
    assert long == wide


def test_replaying_the_events_gives_the_answers(files):
    stands = {}
    for row in read(files["events.csv"]):
        key = (row["reviewer"], row["position"], row["stage"], row["question"])
        assert row["old_value"] == stands.get(key, "")
        stands[key] = row["new_value"]
    answers = read(files["answers_long.csv"])
    assert {key: value for key, value in stands.items() if value} == {
        (row["reviewer"], row["position"], row["stage"], row["question"]): row["value"]
        for row in answers
    }


def test_assignments_hold_what_was_not_answered_as_well(files, rated_study, pilot):
    places = frame(files["assignments.csv"])
    assert set(places["reviewer"]) == set(pilot.reviewers)
    answered = frame(files["answers_wide.csv"])
    assert answered[answered["reviewer"] == "R03"]["position"].nunique() < 70
    for reviewer in pilot.reviewers:
        mine = places[places["reviewer"] == reviewer]["position"]
        assert mine.tolist() == list(range(1, len(mine) + 1))


def test_looks_hold_when_each_stage_that_was_answered_was_first_opened(files):
    looks, answered = (frame(files[file]) for file in ("looks.csv", "answers_wide.csv"))
    key = ["reviewer", "position", "stage"]
    assert not looks.duplicated(key).any()
    assert set(map(tuple, answered[key].to_numpy())) == set(map(tuple, looks[key].to_numpy()))


def test_times_are_utc(files):
    for row in read(files["events.csv"]):
        assert datetime.fromisoformat(row["at"]).utcoffset() == timedelta(0)


def test_the_results_are_those_of_a_few_lines_on_the_csv(files, rated_study):
    table, csv_table = answer_table(rated_study, "pilot"), frame(files["answers_wide.csv"])
    rows = csv_table[
        (csv_table["kind"] == "prototype")
        & (csv_table["role"] == "rated")
        & csv_table["repeat_of"].isna()
    ]
    for found in item_scores(table, "statement"):
        mine = pd.to_numeric(rows[rows["statement"] == found.statement]["clarity"])
        assert found.questions["clarity"].mean.value == pytest.approx(mine.mean())
        assert found.questions["clarity"].median == mine.median()
    noise = csv_table[(csv_table["role"] == "noise") & csv_table["repeat_of"].isna()]
    (found,) = (
        one for one in controls(table) if (one.control, one.question) == ("noise", "clarity")
    )
    assert found.control_mean == pytest.approx(noise.groupby("item")["clarity"].mean().mean())
    pairs = csv_table[(csv_table["kind"] == "pair") & csv_table["repeat_of"].isna()]
    lean = (pairs["better"] - 3) * (1 - 2 * pairs["swapped"])
    assert preferences(table)[0].preference.value == pytest.approx(lean.mean())


def test_no_cell_can_run_as_a_formula(engine, material, pilot):
    create_study(engine, replace(pilot, name="risky"), material)
    seat = sign_in(engine, start_study(engine, "risky")["R01"])
    place = next(
        ItemStage(p)
        for p in range(1, 99)
        if open_item(engine, seat, ItemStage(p)).kind == "prototype"
    )
    comments = ['=HYPERLINK("http://x")', "+1", "-1", "@SUM(1)", "'quoted", "\tx", "a,b\n=c"]
    revision = 0
    for comment in comments:
        answers = {"accurate": "yes", "representativeness": "3", "clarity": "3", "comment": comment}
        revision = save_item(engine, seat, place, answers, seen=revision)
    close_study(engine, "risky", actor="coordinator")
    events = read(study_files(engine, "risky")["events.csv"])
    cells = [row["new_value"] for row in events if row["question"] == "comment"]
    assert [cell.removeprefix("'") for cell in cells] == [comment.strip() for comment in comments]
    assert not any(cell.startswith(tuple("=+-@\t\r\n")) for cell in cells)


def test_a_readme_holds_all_settings(files, pilot):
    readme = files["README.md"].decode()
    assert json.loads(readme.split("```json")[1].split("```")[0]) == json.loads(
        json.dumps(asdict(pilot))
    )
    assert all(f"`{name}`" in readme for name in NAMES[:-1])


def methods(engine, material, design):
    create_study(engine, design, material)
    start_study(engine, design.name)
    with reading(engine) as connection:
        places, answers = (
            assignments_on(connection, design.name),
            answers_on(connection, design.name),
        )
    info = study_info(engine, design.name)
    return methods_text(info, places, flow(info.design, places, answers))


def test_the_methods_paragraph_says_one_as_one(engine, material, pilot):
    design = replace(
        pilot,
        sample=replace(pilot.sample, size=1),
        controls=replace(pilot.controls, noise=1),
        summaries=False,
    )
    paragraph = methods(engine, material, design)
    assert "1 prototype with noise added at" in paragraph
    assert "The prototype was drawn at random" in paragraph
    assert not re.search(r"\b1 [a-z ]*?(prototypes|matches|windows|pairs|ECGs)\b", paragraph)


def test_the_methods_paragraph_says_what_was_done(engine, material, pilot):
    paragraph = methods(engine, material, pilot)
    for part in (
        "0 reviewers took part in a study of 12 prototypes, 8 matches",
        "Of 3 reviewers who were invited, 0 began.",
        "new reviewers (reviewers a sample too)",
        "Obuchowski, Rockette and Hillis",
        "The 12 prototypes were drawn at random, stratified by statement (seed 3).",
        "2 random windows of ECGs that carry the statement and 2 prototypes with noise added at",
        "1 practice item came first",
        "came a second time",
        "Hidden from the reviewers: the similarity, the answers of other reviewers and the name of "
        "the model. Shown to them: the statement.",
        "Krippendorff's alpha",
    ):
        assert part in paragraph
    assert "twice in a row" not in paragraph


@pytest.mark.parametrize(
    ("blinding", "hidden"),
    [
        (
            Blinding(True, True),
            {"prototype": "the statement", "match": "the statement and the similarity"},
        ),
        (Blinding(True, False), {"prototype": "the statement", "match": "the statement"}),
        (Blinding(False, True), {"prototype": None, "match": "the similarity"}),
    ],
)
def test_only_what_was_hidden_is_said_to_have_been_told(engine, material, pilot, blinding, hidden):
    design = replace(pilot, blinding=blinding, two_stages=True)
    paragraph = methods(engine, material, design)
    for kind, what in hidden.items():
        between = f"before and after being told {what}" if what else "with nothing told in between"
        assert f"Each {kind} was rated twice in a row, {between}; " in paragraph


def test_the_methods_paragraph_says_nothing_that_was_not_done(engine, material, pilot):
    bare = replace(
        pilot,
        name="bare",
        practice=0,
        repeats=0.0,
        controls=type(pilot.controls)(),
        sample=replace(pilot.sample, size=0, branches=("rhythm",)),
        blinding=Blinding(True, True, True, True),
        two_stages=True,
    )
    paragraph = methods(engine, replace(material, matches=(), pairs=(), readings=()), bare)
    assert "All 27 prototypes of the branch rhythm were rated." in paragraph
    assert "twice in a row" in paragraph
    for part in (
        *("practice", "controls", "second time", "left", "Shown to them", "matches of"),
        "the similarity",
    ):
        assert part not in paragraph


def test_the_export_of_everything_holds_each_started_study(rated_study, files, tmp_path):
    written = export(rated_study, tmp_path)
    assert [str(f.relative_to(tmp_path)) for f in written[5:]] == [
        f"study-pilot/{n}" for n in NAMES
    ]
    for name in NAMES:
        assert (tmp_path / "study-pilot" / name).read_bytes() == files[name]


def test_the_command_line_writes_one_study(rated_study, files, tmp_path, capsys):
    url = str(rated_study.url)
    assert main(["export", "--study", "pilot", "--out", str(tmp_path), "--database", url]) == 0
    held = {str(f.relative_to(tmp_path)) for f in tmp_path.rglob("*") if f.is_file()}
    assert held == {f"study-pilot/{name}" for name in NAMES}
    assert (tmp_path / "study-pilot" / "answers_wide.csv").read_bytes() == files["answers_wide.csv"]
    assert main(["export", "--study", "none", "--out", str(tmp_path), "--database", url]) == 1
    assert "no study named 'none'" in capsys.readouterr().err


def test_one_study_beside_everything_leaves_the_files_of_all_as_they_are(rated_study, tmp_path):
    before = {file: file.read_bytes() for file in export(rated_study, tmp_path)}
    url = str(rated_study.url)
    assert main(["export", "--study", "pilot", "--out", str(tmp_path), "--database", url]) == 0
    assert {f: f.read_bytes() for f in tmp_path.rglob("*") if f.is_file()} == before


def test_there_is_no_export_of_no_study(engine):
    with pytest.raises(DesignError, match="no study named"):
        study_files(engine, "none")


def test_an_unrated_study_can_be_exported(engine, material, pilot):
    create_study(engine, pilot, material)
    start_study(engine, "pilot")
    files = study_files(engine, "pilot")
    assert len(read(files["answers_wide.csv"])) == 0
    assert len(read(files["assignments.csv"])) > 100


def test_what_became_of_the_assignments_is_counted(rated_study, pilot):
    with reading(rated_study) as connection:
        places, answers = assignments_on(connection, "pilot"), answers_on(connection, "pilot")
    late = (answers["reviewer"] == "R03") & (answers["position"] > 40)
    answers = answers[~late]
    found = flow(pilot, places, answers)
    assert (found.reviewers, found.began, found.withdrawn) == (3, 3, 0)
    assert found.assigned == (places["role"] != "practice").sum()
    assert found.rated + found.skipped + found.unfinished == found.assigned
    assert 0 < found.unfinished < found.assigned / 3
    assert 0 < found.cannot_judge < found.rated <= found.started
    mine = (places["reviewer"] == "R03") & (places["role"] != "practice")
    out = flow(pilot, places.assign(withdrawn=places["reviewer"] == "R03"), answers)
    assert (out.withdrawn, out.withdrawn_assigned, out.unfinished) == (1, mine.sum(), 0)


def test_a_reviewer_who_never_began_is_not_counted_as_one_who_rated(files, rated_study, pilot):
    with reading(rated_study) as connection:
        places, answers = assignments_on(connection, "pilot"), answers_on(connection, "pilot")
    began = answers[answers["reviewer"] != "R03"]
    info = study_info(rated_study, "pilot")
    paragraph = methods_text(info, places, flow(pilot, places, began))
    assert paragraph.startswith("2 reviewers took part in a study of 12 prototypes")
    assert "Of 3 reviewers who were invited, 2 began." in paragraph
    assert "3 reviewers took part in a study of 12 prototypes" in files["README.md"].decode()


def test_the_checklist_is_filled_from_the_design_and_the_data(files):
    rows = {(row["guideline"], row["asked"]): row["answer"] for row in read(files["checklist.csv"])}
    assert {guideline for guideline, _ in rows} == {"GRRAS", "STARD", "MRMC"}
    assert (
        "none declared"
        in rows["MRMC", "Primary outcome, alpha, and how several tests were handled"]
    )
    assert "3 began" in rows["STARD", "The flow of cases and readings"]
    assert rows["GRRAS", "How the number of reviewers and items was decided"].startswith("to be")
