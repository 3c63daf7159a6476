import json
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from protoecg import __version__
from protoecg.prototypes.waveforms import Waveforms
from review_db import open_database
from review_db.__main__ import main
from review_db.store.chain import first_altered
from review_db.store.database import reading
from review_db.store.migration import VERSION_TABLE, known_versions
from review_db.store.schema import assignment, current_rating, study_item
from review_db.studies import design as design_module
from review_db.studies.allocation import allocate
from review_db.studies.design import (
    Blinding,
    Controls,
    Design,
    DesignError,
    Sample,
    design_from,
    design_from_toml,
    design_to_json,
)
from review_db.studies.items import ShownExplanation, ShownMatch, SourceWindow
from review_db.studies.items.case_file import CaseECG, PairCase, read_cases
from review_db.studies.items.material import bundle_material
from review_db.studies.items.pictures import Pictures, study_pictures
from review_db.studies.items.selection import make_items, most_apart
from review_db.studies.lifecycle import create_study, remove_study, start_study, studies, study_info
from review_db.studies.seats import NotAdmitted, Seat, new_key, seat_of, sign_in

ROOT = Path(__file__).resolve().parents[3]

TOML = """
name = "pilot"
title = "A pilot"
reviewers = ["R01", "R02"]
seed = 7
repeats = 0.1
practice = 2
two_stages = true

[sample]
branches = ["morphology"]
size = 12
stratify = "statement"

[controls]
wrong_statement = 2
random_window = 2
noise = 1
noise_snr_db = 3

[blinding]
statement = true
"""


def changed(**more):
    """Return a design, with some settings other than usual."""
    usual = design_from_toml(TOML)
    return replace(usual, **more)


def rows(engine, table):
    with reading(engine) as connection:
        order = list(table.primary_key.columns)
        return connection.execute(table.select().order_by(*order)).all()


def test_a_toml_file_says_all_of_a_design():
    assert design_from_toml(TOML) == Design(
        name="pilot",
        title="A pilot",
        reviewers=("R01", "R02"),
        seed=7,
        repeats=0.1,
        practice=2,
        two_stages=True,
        sample=Sample(branches=("morphology",), size=12),
        controls=Controls(2, 2, 1, 3.0),
        blinding=Blinding(statement=True),
    )


def test_a_design_is_stored_without_loss():
    design = design_from_toml(TOML)
    assert design_from(json.loads(design_to_json(design))) == design


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ('name = "pilot"', "'name' is missing"),
        ("seed = 7", "'seed' is missing"),
        ("seed = 7 -> seed = 7.5", "'seed' is 7.5, expected a whole number"),
        ("seed = 7 -> seed = true", "expected a whole number"),
        ("size = 12 -> sise = 12", r"'sise' in \[sample\] is not known, expected one of branches"),
        ('["R01", "R02"] -> ["R01", "r01"]', "the same code"),
        ('["R01", "R02"] -> []', "no reviewers"),
        ('["R01", "R02"] -> ["Jane Doe"]', "not a name"),
        ('["R01", "R02"] -> "R01"', "expected a list of texts"),
        ("repeats = 0.1 -> repeats = 0.6", "expected 0 to 0.5"),
        ("practice = 2 -> practice = -1", "'practice' is -1, expected 0 to 10000"),
        ('"statement"\n -> "patient"\n', "'patient', expected one of statement, branch, none"),
        ("two_stages = true -> two_stages = false", "hidden and never revealed"),
        ('name = "pilot" -> name = "a pilot"', "letters A to Z"),
        ("statement = true -> statement = 1", "expected true or false"),
        ("seed = 7 -> seed 7", "are no TOML"),
        *(
            (
                f"noise_snr_db = 3 -> noise_snr_db = {snr}",
                rf"\[controls\] is {re.escape(snr)}, expected -40 to 60",
            )
            for snr in ("nan", "inf", "-inf", "-41.0", "1e+300")
        ),
        ("repeats = 0.1 -> repeats = nan", "is nan, expected 0 to 0.5"),
        ("size = 12 -> size = 99999", "'size' in .* is 99999, expected 0 to 10000"),
        (f"seed = 7 -> seed = {10**400}", "'seed' is 1000.*, expected -9223372036854775807 to"),
        (f"seed = 7 -> seed = {'9' * 5000}", "are no TOML"),
        (f"seed = 7 -> seed = {'[' * 5000}", "are no TOML"),
        ('["R01", "R02"] -> ["R01", " R01"]', "the same code"),
        ('["R01", "R02"] -> ["R01", "R\\n02"]', "other characters than the letters"),
    ],
)
def test_an_impossible_design_is_refused(change, message):
    old, _, new = change.partition(" -> ")
    assert old in TOML
    with pytest.raises(DesignError, match=message):
        design_from_toml(TOML.replace(old, new))


@pytest.mark.parametrize("code", [" R02", "R02 ", "R02\n", "\tR02\r\n", "R02\u00a0"])
def test_blanks_around_a_code_are_no_part_of_it_and_its_key_can_be_renewed(engine, material, code):
    create_study(engine, changed(reviewers=("R01", code)), material)
    keys = start_study(engine, "pilot")
    assert list(keys) == ["R01", "R02"]
    again = new_key(engine, "pilot", code)
    assert sign_in(engine, again).reviewer == "R02"
    with pytest.raises(NotAdmitted):
        sign_in(engine, keys["R02"])


def test_a_sample_is_spread_evenly_over_the_statements(material):
    items = make_items(changed(), material)
    rated = [i for i in items if i.kind == "prototype" and i.role == "rated"]
    assert len(rated) == len({item.prototype for item in rated}) == 12
    assert set(Counter(item.statement for item in rated).values()) == {4}


def test_controls_are_what_they_say(material):
    items = make_items(changed(), material)
    by_name = {p.name: p for p in material.prototypes}
    of_record = {p.record: p for p in material.prototypes}
    roles = Counter(item.role for item in items if item.kind == "prototype")
    assert roles == {
        "rated": 12,
        "practice": 2,
        "wrong_statement": 2,
        "random_window": 2,
        "noise": 1,
    }
    for item in items:
        source = by_name.get(item.prototype)
        if item.role == "wrong_statement":
            assert item.statement not in source.statements
            assert item.content.ecg.record == source.record
        if item.role == "random_window":
            start, end = item.content.ecg.window_s
            assert 0 <= start < end <= 10
            assert end - start == pytest.approx(source.window_s[1] - source.window_s[0])
            assert item.content.ecg.record != source.record
            assert item.statement in of_record[item.content.ecg.record].statements
        if item.role == "noise":
            assert item.content.noise.snr_db == 3


def test_no_number_tells_a_random_window_from_that_of_a_prototype(material):
    steps = [n * 0.08 for n in range(114)]
    prototypes = [
        replace(p, window_s=(round(s, 2), round(s + 0.95, 2))) if p.branch == "morphology" else p
        for p, s in zip(material.prototypes, steps, strict=False)
    ]
    bare = replace(material, prototypes=prototypes, matches=(), pairs=(), readings=())
    sample = Sample(branches=("morphology",), size=2)
    items = make_items(changed(sample=sample, controls=Controls(0, 20), practice=0), bare)
    drawn = [i.content.ecg for i in items if i.role == "random_window"]

    assert len(drawn) == 20
    own = {p.record: p.window_s for p in prototypes}
    assert all(ecg.window_s in list(own.values()) for ecg in drawn)
    assert not [ecg for ecg in drawn if ecg.window_s == own[ecg.record]]
    assert len({str(ecg.window_s) for ecg in drawn}) > 5


def test_a_random_window_ends_before_its_ecg_does(material):
    statements = ("PVC", "CLBBB", "IMI")
    short = [
        CaseECG(**{**ECG, "record": name}, statements=statements, duration_s=3.5) for name in "xy"
    ]
    items = make_items(changed(), replace(material, ecgs=short))
    ends = [i.content.ecg.window_s[1] for i in items if i.role == "random_window"]
    assert len(ends) == 2
    assert max(ends) <= 3.5


@pytest.mark.parametrize("size", [0, 12, 40])
def test_practice_controls_and_what_is_rated_share_no_ecg(material, size):
    design = changed(sample=Sample(size=size), controls=Controls(2, 2, 2), practice=3)
    items = make_items(design, material)
    apart = [item for item in items if item.role != "rated"]
    shown = [source.record for item in apart for source in item.content.sources]
    assert len(apart) == 9
    assert len(set(shown)) == len(shown)
    rated = (item.content.sources for item in items if item.role == "rated")
    assert not set(shown) & {source.record for sources in rated for source in sources}


def test_how_many_controls_can_be_had_is_true_of_each(material):
    design = changed(sample=Sample(size=40), practice=0, controls=Controls())
    most = most_apart(design, material)
    assert set(most) == {"practice", "wrong_statement", "random_window", "noise"}
    for role, number in most.items():
        asked = {"practice": number} if role == "practice" else {}
        for more in (0, 1):
            if role != "practice":
                asked = {"controls": Controls(**{role: number + more})}
            elif more:
                asked = {"practice": number + 1}
            if more:
                with pytest.raises(DesignError, match=f"only {number} can be made"):
                    make_items(replace(design, **asked), material)
            else:
                make_items(replace(design, **asked), material)


def test_two_looks_that_hide_nothing_are_refused(material):
    bare = replace(material, matches=(), pairs=(), readings=())
    design = changed(blinding=Blinding(statement=False))
    with pytest.raises(DesignError, match="the first hides nothing"):
        make_items(design, bare)
    make_items(replace(design, two_stages=False), bare)


def test_the_design_in_the_help_hides_what_it_shows_later():
    lines = [line for line in design_module.__doc__.splitlines() if line.startswith("    ")]
    example = design_from_toml("\n".join(lines))
    assert example.two_stages
    assert example.blinding.statement


@pytest.mark.parametrize("reviewers", [2, 3, 4, 5])
def test_no_pair_is_seen_from_one_side_by_all(material, reviewers):
    design = changed(reviewers=tuple(f"R{n}" for n in range(reviewers)))
    for seed in range(20):
        planned = replace(design, seed=seed)
        items = make_items(planned, material)
        sides = {}
        for place in allocate(planned, items):
            if items[place.item - 1].kind == "pair" and place.repeat_of is None:
                sides.setdefault(place.item, []).append(place.swapped)
        assert all(abs(2 * sum(of_pair) - reviewers) <= 1 for of_pair in sides.values())


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"sample": Sample(size=500)}, "but only 54 are of"),
        ({"sample": Sample(statements=("XYZ",))}, "no prototype of the statement 'XYZ'"),
        ({"sample": Sample(("rhythm",)), "controls": Controls(0, 1)}, "only 0 can be made"),
        ({"practice": 99}, "99 practice items, but only"),
    ],
)
def test_what_there_is_too_little_of_is_said(material, more, message):
    with pytest.raises(DesignError, match=message):
        make_items(changed(**more), material)


def test_a_match_is_with_a_prototype_of_the_bundle(material):
    strange = [material.matches[0].model_copy(update={"prototype": "unknown"})]
    with pytest.raises(DesignError, match="'unknown', which is no prototype"):
        make_items(changed(), replace(material, matches=strange))


DESIGNS = st.builds(
    lambda seed, repeats, practice, noise: changed(
        seed=seed, repeats=repeats, practice=practice, controls=Controls(noise=noise)
    ),
    st.integers(0, 2**40),
    st.floats(0, 0.5),
    st.integers(0, 4),
    st.integers(0, 4),
)


@settings(max_examples=40, deadline=None)
@given(DESIGNS)
def test_every_order_holds_each_item_once_and_its_repeats_well_apart(material, design):
    items = make_items(design, material)
    for reviewer in design.reviewers:
        places = [p for p in allocate(design, items) if p.reviewer == reviewer]
        assert [p.position for p in places] == list(range(1, len(places) + 1))
        first = [p for p in places if p.repeat_of is None]
        crossed = [p for p in first if items[p.item - 1].kind == "differential"]
        once = [p.item for p in first if p not in crossed or p.arm == "alone"]
        assert sorted(once) == list(range(1, len(items) + 1))
        kinds = [items[p.item - 1].kind for p in places if items[p.item - 1].role != "practice"]
        assert kinds == sorted(
            kinds, key=["differential", "prototype", "match", "pair", "statement"].index
        )
        for place in places:
            if place.repeat_of is not None:
                item = items[place.item - 1]
                block = sum(i.kind == item.kind and i.role != "practice" for i in items)
                assert item.role == "rated"
                assert places[place.repeat_of - 1].item == place.item
                assert place.position - place.repeat_of > block // 3


def test_repeats_are_the_share_that_was_asked_for(material):
    design = changed(sample=Sample(), repeats=0.12)
    items = make_items(design, material)
    repeated = [p for p in allocate(design, items) if p.repeat_of and p.reviewer == "R01"]
    kinds = Counter(items[p.item - 1].kind for p in repeated)
    assert kinds["prototype"] == round(0.12 * 54)


def test_reviewers_have_different_orders_and_a_seed_always_gives_the_same(material):
    design = changed()
    items = make_items(design, material)
    places = allocate(design, items)
    orders = [[p.item for p in places if p.reviewer == r] for r in design.reviewers]
    assert orders[0] != orders[1]
    assert allocate(design, make_items(design, material)) == places
    assert allocate(changed(seed=8), items) != places


def test_practice_comes_first(material):
    design = changed()
    items = make_items(design, material)
    roles = [items[p.item - 1].role for p in allocate(design, items) if p.reviewer == "R02"]
    assert [role == "practice" for role in roles] == [True, True] + [False] * (len(roles) - 2)


def test_sides_are_swapped_for_half_of_the_pairs_and_again_for_repeats(material):
    design = changed(repeats=0.5)
    items = make_items(design, material)
    places = [p for p in allocate(design, items) if items[p.item - 1].kind == "pair"]
    for reviewer in design.reviewers:
        first = [p for p in places if p.reviewer == reviewer and p.repeat_of is None]
        assert sum(p.swapped for p in first) in (len(first) // 2, -(-len(first) // 2))
    sides = {(p.reviewer, p.position): p.swapped for p in places}
    repeats = [p for p in places if p.repeat_of is not None]
    assert repeats
    assert all(p.swapped != sides[p.reviewer, p.repeat_of] for p in repeats)


def test_the_assignment_list_is_written_when_the_study_starts(engine, material):
    create_study(engine, changed(), material)
    assert rows(engine, assignment) == []
    assert study_info(engine, "pilot").started_at is None
    start_study(engine, "pilot")
    stored = [(r.reviewer, r.position, r.item, r.repeat_of) for r in rows(engine, assignment)]
    planned = allocate(changed(), make_items(changed(), material))
    assert stored == [(p.reviewer, p.position, p.item, p.repeat_of) for p in planned]
    assert study_info(engine, "pilot").started_at is not None


def test_a_study_is_stored_with_its_design_and_bundle(engine, material):
    create_study(engine, changed(), material)
    info = study_info(engine, "pilot")
    assert (info.design, info.bundle, info.fingerprint) == (changed(), "demo", "f1")
    assert (info.app_version, info.items) == (__version__, len(make_items(changed(), material)))
    assert [info.design.name for info in studies(engine)] == ["pilot"]


def test_a_study_can_be_made_anew_or_removed_until_it_starts(engine, material):
    create_study(engine, changed(), material)
    create_study(engine, changed(seed=9), material)
    assert study_info(engine, "pilot").design.seed == 9
    remove_study(engine, "pilot")
    assert studies(engine) == []
    with pytest.raises(DesignError, match="no study named 'pilot'"):
        start_study(engine, "pilot")


@pytest.mark.parametrize("change", ["create", "start", "remove"])
def test_a_started_study_is_settled(engine, material, change):
    create_study(engine, changed(), material)
    start_study(engine, "pilot")
    before = rows(engine, study_item), rows(engine, assignment), study_info(engine, "pilot")
    with pytest.raises(DesignError, match="has started and cannot be changed"):
        if change == "create":
            create_study(engine, changed(seed=9), material)
        elif change == "start":
            start_study(engine, "pilot")
        else:
            remove_study(engine, "pilot")
    assert before == (
        rows(engine, study_item),
        rows(engine, assignment),
        study_info(engine, "pilot"),
    )


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE study SET design = '{}'",
        "UPDATE study SET started_at = NULL",
        "DELETE FROM study",
        "UPDATE study_item SET role = 'rated'",
        "UPDATE study_item SET study = 'other' WHERE number = 1",
        "DELETE FROM study_item WHERE number = 1",
        "INSERT INTO study_item SELECT study, 999, kind, role, branch, statement, prototype, "
        "case_name, data FROM study_item WHERE number = 1",
        "UPDATE assignment SET item = 1",
        "DELETE FROM assignment WHERE position = 1",
        "INSERT INTO assignment SELECT study, reviewer, position + 900, item, repeat_of, swapped, "
        "session, arm FROM assignment WHERE reviewer = 'R01'",
        "UPDATE sign_in_key SET reviewer = 'R01'",
        "DELETE FROM sign_in_key",
    ],
)
def test_the_database_itself_refuses_to_change_a_started_study(engine, material, statement):
    create_study(engine, changed(), material)
    start_study(engine, "pilot")
    with (
        pytest.raises(DBAPIError, match="the study has begun|append-only|FOREIGN KEY"),
        engine.begin() as connection,
    ):
        connection.execute(text(statement))


@pytest.mark.parametrize("table", ["study", "study_item", "assignment"])
def test_sqlite_replaces_nothing_of_a_started_study(engine, file, material, table):
    create_study(engine, changed(), material)
    start_study(engine, "pilot")
    engine.dispose()
    with sqlite3.connect(file) as connection:
        before = connection.execute(f"SELECT * FROM {table}").fetchall()
        with pytest.raises(sqlite3.IntegrityError, match="the study has begun"):
            connection.execute(f"REPLACE INTO {table} SELECT * FROM {table} LIMIT 1")
        assert connection.execute(f"SELECT * FROM {table}").fetchall() == before


def test_a_key_opens_its_reviewers_seat_alone(engine, material):
    create_study(engine, changed(), material)
    keys = start_study(engine, "pilot")
    assert set(keys) == {"R01", "R02"}
    for reviewer, key in keys.items():
        assert sign_in(engine, key) == Seat("pilot", reviewer)
        assert sign_in(engine, f" {key.lower().replace('-', '')} ") == Seat("pilot", reviewer)


@pytest.mark.parametrize("key", ["", "R01", "AAAA-AAAA-AAAA-AAAA", "' OR 1=1 --", "pilot"])
def test_nothing_else_opens_a_seat(engine, material, key):
    create_study(engine, changed(), material)
    start_study(engine, "pilot")
    with pytest.raises(NotAdmitted, match="opens no study"):
        sign_in(engine, key)


def test_no_key_can_be_read_from_the_database(engine, file, material):
    create_study(engine, changed(), material)
    keys = start_study(engine, "pilot")
    engine.dispose()
    stored = b"".join(f.read_bytes() for f in file.parent.glob("ratings.db*"))
    for key in keys.values():
        assert key.encode() not in stored
        assert key.replace("-", "").encode() not in stored


def test_a_new_key_replaces_the_old_one(engine, material):
    create_study(engine, changed(), material)
    keys = start_study(engine, "pilot")
    fresh = new_key(engine, "pilot", "R01")
    assert sign_in(engine, fresh) == Seat("pilot", "R01")
    assert sign_in(engine, keys["R02"]) == Seat("pilot", "R02")
    with pytest.raises(NotAdmitted):
        sign_in(engine, keys["R01"])


@pytest.mark.parametrize(("name", "reviewer"), [("pilot", "R09"), ("other", "R01")])
def test_nobody_gets_a_seat_who_is_no_reviewer(engine, material, name, reviewer):
    create_study(engine, changed(), material)
    with pytest.raises(NotAdmitted):
        seat_of(engine, "pilot", "R01")
    start_study(engine, "pilot")
    assert seat_of(engine, "pilot", "R01") == Seat("pilot", "R01")
    with pytest.raises(NotAdmitted):
        seat_of(engine, name, reviewer)


def older(url):
    """Make the database of the app before there were studies, with some ratings."""
    engine = create_engine(url.replace("postgresql://", "postgresql+pg8000://"))
    config = Config()
    config.set_main_option("script_location", str(ROOT / "review_db" / "store" / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        for n in range(20):
            connection.execute(
                text(
                    "INSERT INTO rating_event (at, reviewer, bundle, fingerprint, branch, "
                    "statement, prototype, question, value, app_version, codebook_version) VALUES "
                    "('2025-01-31 12:30:00', 'R1', 'demo', 'f1', 'rhythm', 'AFIB', :p, 'clarity', "
                    ":v, '0.1', '1')"
                ),
                {"p": f"p{n % 7}", "v": str(n % 5 + 1)},
            )
        before = ratings(connection)
    engine.dispose()
    return before


def ratings(connection):
    columns = ", ".join(column.name for column in current_rating.c)
    return [
        connection.execute(text(f"SELECT {columns} FROM {table} ORDER BY id")).all()
        for table in ("rating_event", "current_rating")
    ]


@pytest.fixture
def empty_url(store, tmp_path, request):
    if store == "sqlite":
        return f"sqlite:///{tmp_path / 'older.db'}"
    return request.getfixturevalue("postgresql_server").create("older")


def test_an_older_database_becomes_todays_and_keeps_every_rating(empty_url, material):
    before = older(empty_url)
    assert len(before[0]) == 20
    engine = open_database(empty_url)
    with engine.connect() as connection:
        assert ratings(connection) == before
        assert first_altered(connection) is None
        version = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    assert version == max(known_versions())
    create_study(engine, changed(), material)
    start_study(engine, "pilot")
    with (
        pytest.raises(DBAPIError, match="rating_event is append-only"),
        engine.begin() as connection,
    ):
        connection.execute(text("DELETE FROM rating_event"))
    engine.dispose()


@pytest.mark.parametrize("bundle", ["demo", "ptbxl"])
def test_a_bundles_folder_says_what_can_be_rated(bundle):
    if not (ROOT / "models" / bundle / "prototypes.json").is_file():
        pytest.skip(f"models/{bundle} is not there")
    material = bundle_material(ROOT / "models" / bundle)
    design = Design("x", ("R01",), 1, controls=Controls(2, 2, 2))
    roles = Counter(item.role for item in make_items(design, material))
    rated = [item for item in make_items(design, material) if item.role == "rated"]
    assert len([item for item in rated if item.kind == "prototype"]) > len(material.prototypes) / 2
    assert roles["random_window"] == 2


ECG = {"record": "records100/00000/00001_lr", "sha256": "0" * 64}
WINDOW = {**ECG, "window_s": [1.0, 2.0]}
MATCH = {"case": "c", "prototype": "p", "ecg": ECG, "window_s": [1, 2], "similarity": 0.5}
READING = {
    "case": "c",
    "statement": "AFIB",
    "truth": ["AFIB"],
    "ecg": ECG,
    "explanation": {"matches": [{"window_s": [0, 10], "prototype": WINDOW, "similarity": 0.5}]},
}


@pytest.mark.parametrize(
    ("cases", "message"),
    [
        ([], "valid dictionary"),
        ({"matches": 5}, "matches: expected a list"),
        ({"matches": [1]}, "matches 1: .*valid dictionary"),
        ({"oddities": []}, "oddities: Extra inputs"),
        (
            {"readings": [READING, {**READING, "statement": "afib"}]},
            "readings 2 statement: expected .*AFIB",
        ),
        ({"readings": [{**READING, "explanation": {}}]}, "readings 1 explanation matches: Field"),
        ({"readings": [{**READING, "ecg": {"record": "x"}}]}, "readings 1 ecg sha256: Field"),
        ({"ecgs": [{**ECG, "statements": "AFIB"}]}, "ecgs 1 statements: expected a list"),
        ({"ecgs": [{**ECG, "statements": [], "duration_s": "ten"}]}, "ecgs 1 duration_s: .*number"),
        ({"matches": [{**MATCH, "similarity": "0.5"}]}, "matches 1 similarity: .*valid number"),
        ({"matches": [{**MATCH, "similarity": True}]}, "matches 1 similarity: .*valid number"),
        ({"matches": [{**MATCH, "window_s": ["1", 2]}]}, "matches 1 window_s 1: .*valid number"),
        (
            {"matches": [{**MATCH, "window_s": [3, 1]}]},
            "matches 1 window_s: .*start before its end",
        ),
        ({"matches": [{**MATCH, "truth": 5}]}, "matches 1 truth: expected a list"),
    ],
)
def test_cases_that_could_not_be_shown_are_refused_before_a_study_is_made(cases, message, tmp_path):
    (tmp_path / "cases.json").write_text(json.dumps(cases), encoding="utf-8")
    with pytest.raises(DesignError, match=message):
        read_cases(tmp_path / "cases.json")


def test_cases_are_read_with_all_that_they_say(tmp_path):
    cases = {"readings": [READING], "ecgs": [{**ECG, "statements": ["AFIB"], "duration_s": 12.5}]}
    cases |= {"matches": [MATCH]}
    (tmp_path / "cases.json").write_text(json.dumps(cases), encoding="utf-8")
    read = read_cases(tmp_path / "cases.json").model_dump(mode="json", exclude_unset=True)
    del cases["readings"][0]["explanation"]["matches"][0]["similarity"]
    assert read == cases


def test_the_command_line_makes_starts_and_lists_a_study(tmp_path, url, engine, capsys):
    if not (ROOT / "models" / "demo").is_dir():
        pytest.skip("models/demo is not there")
    toml = tmp_path / "STUDY.toml"
    toml.write_text('name = "pilot"\nreviewers = ["R01", "R02"]\nseed = 1\n[sample]\nsize = 5\n')

    def run(*arguments):
        code = main(["study", *arguments, "--database", url])
        out, err = capsys.readouterr()
        return code, out, err

    create = ("create", str(toml), "--bundle", str(ROOT / "models" / "demo"))
    assert run(*create)[0] == 0
    assert "not started" in run("list")[1]
    code, keys, _ = run("start", "pilot")
    assert code == 0
    assert [line.split()[0] for line in keys.splitlines()] == ["R01", "R02"]
    assert sign_in(engine, keys.split()[1]) == Seat("pilot", "R01")
    assert sign_in(engine, run("key", "pilot", "R01")[1].split()[1]) == Seat("pilot", "R01")
    assert run(*create) == (1, "", run(*create)[2])
    assert "has started and cannot be changed" in run(*create)[2]
    assert "started 20" in run("list")[1]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has such a device")
def test_a_secret_that_could_not_be_printed_is_told_to_be_made_anew(url, engine):
    command = [sys.executable, "-m", "review_db", "reviewer", "R01", "--database", url]
    with open("/dev/full", "wb", buffering=0) as full:
        done = subprocess.run(command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert "is done, but can't be printed" in line
    assert "replaced by" in line


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (None, "No such file"),
        ("name = ", "are no TOML"),
        ('name = "x"\nreviewers = ["R1"]\nseed = 1', "holds no bundle.json, so it is no bundle"),
    ],
)
def test_the_command_line_says_what_is_wrong_with_a_study(tmp_path, capsys, toml, message):
    file = tmp_path / "STUDY.toml"
    if toml is not None:
        file.write_text(toml)
    database = f"sqlite:///{tmp_path / 'ratings.db'}"
    command = ["study", "create", str(file), "--bundle", str(tmp_path), "--database", database]
    assert main(command) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err


def shown_where(folder, *names):
    """Return where the ECGs of these bundles lie."""
    return Pictures([Waveforms(folder / name) for name in names])


def test_a_study_whose_pictures_are_missing_cannot_start_and_says_what_to_do(
    tmp_path, engine, material
):
    create_study(engine, changed(), material)
    with pytest.raises(DesignError, match="items cannot be drawn.*Set PROTOECG_PTBXL"):
        start_study(engine, "pilot", shown_where(tmp_path, "demo").refuse_undrawable)
    assert study_info(engine, "pilot").started_at is None
    assert rows(engine, assignment) == []


def test_pairs_of_a_bundle_that_is_not_there_cannot_start(engine, tmp_path):
    demo = ROOT / "models" / "demo"
    if not demo.is_dir():
        pytest.skip("models/demo is not there")
    material = bundle_material(demo)
    own, strange = (
        ShownMatch(window_s=(0, 10), prototype=SourceWindow(record=r, sha256=s, window_s=(0, 10)))
        for r, s in ((material.prototypes[0].record, material.prototypes[0].sha256), ("x", "0"))
    )
    case = {"case": "c", "statement": "PVC", "ecg": own.prototype}
    pair = PairCase(
        **case, a=ShownExplanation(matches=(own,)), b=ShownExplanation(matches=(strange,))
    )
    design = Design("pilot", ("R01",), 1, sample=Sample(size=3), practice=1)
    here = study_pictures(material.bundle, material.fingerprint).refuse_undrawable
    create_study(engine, design, replace(material, pairs=[pair]))
    with pytest.raises(DesignError, match=r"^1 of \d+ items cannot be drawn.*such as 'x'"):
        start_study(engine, "pilot", here)
    create_study(engine, design, replace(material, pairs=[pair.model_copy(update={"b": pair.a})]))
    assert list(start_study(engine, "pilot", here)) == ["R01"]
