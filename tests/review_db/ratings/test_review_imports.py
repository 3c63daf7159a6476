import json

import pytest

from review_db import Item, RatingsError, answers, save_answer
from review_db.__main__ import main
from review_db.ratings.export import export
from review_db.ratings.imports import import_ratings, imports
from review_db.ratings.results import rating_table
from review_db.store.database import open_database

ITEM = Item("=demo", "f1", "m-IMI-1", "morphology", "IMI")
PUBLISHED = {
    "reviewer": "R01",
    "evaluations": {
        "IMI": {
            "ratings": {
                "7": {"accuracy": 5, "representativeness": 4, "clarity": 0},
                "8": {"accuracy": 1, "representativeness": 1, "clarity": 2},
                "9": {"accuracy": 3, "representativeness": 0, "clarity": 0},
            },
            "bestPrototype": "7",
            "badPrototypes": ["8"],
            "alternateClasses": {"8": "AMI"},
        }
    },
}


@pytest.fixture
def exported(tmp_path):
    """The export of another site, with an answer that was changed and one a sheet would run."""
    other = open_database(f"sqlite:///{tmp_path}/other.db")
    for question, value in (("clarity", 2), ("clarity", 3), ("comment", "=1+1")):
        save_answer(other, reviewer="R01", item=ITEM, question=question, value=value)
    export(other, tmp_path / "export")
    yield other, tmp_path / "export"
    other.dispose()


@pytest.mark.parametrize("name", ["ratings_long.csv", "ratings_wide.csv", "events.csv"])
def test_any_csv_of_an_export_comes_in_under_the_sites_name(engine, exported, name):
    save_answer(engine, reviewer="R01", item=ITEM, question="clarity", value=5)
    import_ratings(engine, exported[1] / name, "chicago")
    imported = answers(engine, reviewer="chicago.R01", bundle="=demo", fingerprint="f1")
    assert imported == {"m-IMI-1": {"clarity": "3", "comment": "=1+1"}}
    assert set(rating_table(engine, bundle="=demo", fingerprint="f1")["reviewer"]) == {
        "R01",
        "chicago.R01",
    }


def test_no_file_counts_twice_and_a_later_export_adds_what_is_new(engine, exported):
    other, folder = exported
    assert import_ratings(engine, folder / "ratings_long.csv", "chicago").answers == 2
    with pytest.raises(RatingsError, match="already"):
        import_ratings(engine, folder / "ratings_long.csv", "chicago")
    save_answer(other, reviewer="R02", item=ITEM, question="clarity", value=1)
    export(other, folder)
    assert import_ratings(engine, folder / "ratings_long.csv", "chicago").answers == 1
    assert [i.answers for i in imports(engine)] == [1, 2]


def test_what_this_database_exported_is_refused(exported):
    other, folder = exported
    with pytest.raises(RatingsError, match="exported from this database"):
        import_ratings(other, folder / "ratings_long.csv", "chicago")
    assert imports(other) == []


def test_the_published_interfaces_ratings_come_in(engine, tmp_path):
    file = tmp_path / "ratings.json"
    file.write_text(json.dumps(PUBLISHED))
    assert import_ratings(engine, file, "uchicago").answers == 8
    imported = answers(
        engine, reviewer="uchicago.R01", bundle="uchicago", fingerprint="published interface"
    )
    assert imported == {
        "IMI-7": {"accurate": "yes", "representativeness": "4", "best": "yes"},
        "IMI-8": {
            "accurate": "no",
            "representativeness": "1",
            "clarity": "2",
            "bad": "yes",
            "alternative": "AMI",
        },
    }


HEADING = "reviewer,bundle,fingerprint,branch,statement,prototype,question,value,at"
ROW = "R01,theirs,f,rhythm,SR,rhythm-SR-1,clarity,5"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.json", "{", "is no JSON"),
        ("a.json", '{"a":' * 100_000, "is no JSON"),
        ("a.json", f'{{"a": {"9" * 5000}}}', "is no JSON"),
        (
            "a.json",
            '{"evaluations": {"IMI": {"ratings": {"1": {"accuracy": [1]}}}}}',
            "accuracy is",
        ),
        ("a.json", '{"evaluations": {"IMI": 5}}', "something else than ratings. Name"),
        ("a.json", "[]", "something else than ratings"),
        ("a.json", '{"evaluations": {}}', "no rating"),
        ("a.json", '{"evaluations": {"IMI": {"ratings": {"1": {"clarity": 9}}}}}', "expected"),
        ("a.csv", "a,b\n1,2\n", "lacks the columns"),
        ("a.csv", "", "is no CSV"),
        ("a.csv", f'{HEADING}\n"', "is no CSV"),
        ("a.csv", f"{HEADING}\n{ROW},2026-01-31", "no time with a zone"),
        ("a.csv", f"{HEADING}\n{ROW},9999-12-31T23:59:59-23:59", "no time with a zone"),
        ("a.csv", f"{HEADING}\n{ROW},2026-01-31T12:00:00+00:00,one more", "more cells than"),
    ],
)
def test_what_is_no_rating_is_refused_in_a_sentence(engine, tmp_path, name, content, message):
    (tmp_path / name).write_text(content)
    with pytest.raises(RatingsError, match=message):
        import_ratings(engine, tmp_path / name, "chicago")
    assert imports(engine) == []


def test_the_command_line_imports_and_lists(url, exported, capsys):
    file = str(exported[1] / "ratings_long.csv")
    assert main(["import", file, "--site", "chicago", "--database", url]) == 0
    assert main(["imports", "--database", url]) == 0
    assert capsys.readouterr().out.count("chicago") == 2
    assert main(["import", file, "--site", "chicago", "--database", url]) == 1
    assert capsys.readouterr().err.count("\n") == 1
