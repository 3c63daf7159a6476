"""ECGs read in three arms over sessions: what is met when, what is shown, and what is scored."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from review_db.findings.answers import answer_table
from review_db.findings.differentials import differentials, mrmc_frame, reliance
from review_db.sessions import sessions, visits
from review_db.sessions.assignments import ItemStage
from review_db.sessions.progress import next_open, session_progress
from review_db.sessions.sessions import foresee_item, open_item, save_item
from review_db.studies.allocation import allocate
from review_db.studies.design import Controls, Design, DesignError, Sample
from review_db.studies.design.declared import ARMS, Protocol, Readings
from review_db.studies.items import (
    ShownCall,
    ShownExplanation,
    ShownMatch,
    SourceFile,
    SourceWindow,
)
from review_db.studies.items.case_file import ReadingCase
from review_db.studies.items.selection import make_items
from review_db.studies.lifecycle import create_study, start_study
from review_db.studies.seats import NotAdmitted, sign_in

DESIGN = Design(
    "crossed",
    ("R01", "R02", "R03"),
    4,
    sample=Sample(size=3),
    practice=0,
    repeats=0.0,
    controls=Controls(),
    readings=Readings(washout_days=0),
)
CASES = {"c1": ("PVC", ("PVC", "SR")), "c2": ("PVC", ("NORM", "SR")), "c3": ("AFIB", ("AFIB",))}


def case(name, statement, truth, calls=("PVC",)):
    window = SourceWindow(record="records/PVC0", sha256="0" * 64, window_s=(1, 2))
    matches = [ShownMatch(window_s=(1, 2), prototype=window, statement=code) for code in calls]
    return ReadingCase(
        case=name,
        statement=statement,
        truth=truth,
        ecg=SourceFile(record=f"patients/{name}", sha256="0" * 64),
        explanation=ShownExplanation(matches=tuple(matches)),
        calls=tuple(ShownCall(statement=code, probability=0.8) for code in calls),
    )


@pytest.fixture
def crossed(material):
    readings = [case(name, *about) for name, about in CASES.items()]
    return replace(material, matches=(), pairs=(), readings=readings)


def begin(engine, material, **more):
    design = replace(DESIGN, **more)
    create_study(engine, design, material)
    keys = start_study(engine, design.name)
    return {name: sign_in(engine, key) for name, key in keys.items()}


def read(engine, seat, first="PVC", sure="4", seconds=5.0, **more):
    """Read what comes next; return it as it was shown."""
    item = open_item(engine, seat, next_open(engine, seat))
    given = {"first_choice": first, "first_confidence": sure, **more}
    save_item(engine, seat, item.at, given, seen=item.revision, seconds=seconds)
    return item


@pytest.mark.parametrize("reviewers", [1, 2, 3, 6])
@pytest.mark.parametrize("cases", [3, 4, 9])
def test_each_case_is_met_in_each_arm_once_each_time_in_another_session(material, reviewers, cases):
    readings = [case(f"c{n}", "PVC", ("PVC",)) for n in range(cases)]
    crossed = replace(material, matches=(), pairs=(), readings=readings)
    design = replace(DESIGN, reviewers=tuple(f"R{n}" for n in range(reviewers)))
    items = make_items(design, crossed)
    places = [p for p in allocate(design, items) if items[p.item - 1].kind == "differential"]
    met = Counter((p.reviewer, p.item, p.arm) for p in places)
    assert set(met.values()) == {1}
    assert len(met) == reviewers * cases * len(ARMS)
    assert set(Counter((p.reviewer, p.item, p.session) for p in places).values()) == {1}
    # In a session of a reader no arm has more than one case more than another one.
    in_session = Counter((p.reviewer, p.session, p.arm) for p in places)
    assert max(in_session.values()) - min(in_session.values()) <= 1
    # Over three readers each arm of a case comes once in each session.
    if reviewers % 3 == 0:
        comes = Counter((p.item, p.session, p.arm) for p in places)
        assert set(comes.values()) == {reviewers // 3}


def test_other_kinds_come_after_all_ecgs_are_read(engine, crossed):
    seat = begin(engine, crossed)["R01"]
    kinds = []
    while (at := next_open(engine, seat)) is not None:
        item = open_item(engine, seat, at)
        kinds.append((item.kind, item.session))
        given = dict.fromkeys(item.required, "3") | (
            {"accurate": "yes"} if item.kind == "prototype" else {"first_choice": "SR"}
        )
        save_item(engine, seat, at, given, seen=item.revision)
    assert kinds == [("differential", n) for n in (1, 2, 3) for _ in CASES] + [("prototype", 3)] * 3


def test_an_arm_shows_what_it_says_and_none_the_truth(engine, crossed):
    seat = begin(engine, crossed)["R01"]
    shown = {}
    for _ in range(9):
        item = read(engine, seat)
        content = item.content
        assert item.facts == type(item.facts)()
        assert "NORM" not in str(item)
        assert not item.questions[0].options
        shown.setdefault(content.ecg.record, set()).add(
            (content.calls is not None, content.explanation is not None)
        )
    arms = {(False, False), (True, False), (True, True)}
    assert shown == {f"patients/{name}": arms for name in CASES}


def test_the_next_session_opens_after_the_washout_and_the_one_before_stays_closed(
    engine, crossed, monkeypatch
):
    seat = begin(engine, crossed, readings=Readings(washout_days=14))["R01"]
    first = [read(engine, seat) for _ in CASES]
    again = foresee_item(engine, seat, first[0].at)
    save_item(
        engine,
        seat,
        again.at,
        {"first_choice": "SR", "first_confidence": "2"},
        seen=again.revision,
    )
    assert next_open(engine, seat) is None
    now = session_progress(engine, seat)
    assert (now.visit.number, now.visit.of) == (1, 3)
    assert timedelta(days=13.9) < now.waits_until - datetime.now(UTC) <= timedelta(days=14)
    assert now.reachable == [1, 2, 3]
    with pytest.raises(NotAdmitted, match="Session 2 opens 20"):
        open_item(engine, seat, ItemStage(4))

    class Later(datetime):
        @classmethod
        def now(cls, zone):
            return datetime.now(zone) + timedelta(days=15)

    monkeypatch.setattr(visits, "datetime", Later)
    assert open_item(engine, seat, ItemStage(4)).session == 2
    for call in (
        lambda: open_item(engine, seat, ItemStage(1)),
        lambda: save_item(
            engine, seat, ItemStage(1), {"first_choice": "PVC", "first_confidence": "1"}, seen=2
        ),
    ):
        with pytest.raises(NotAdmitted, match="Session 1 is over"):
            call()


def test_a_clock_that_was_once_ahead_keeps_no_session_closed(engine, crossed, monkeypatch):
    seat = begin(engine, crossed, readings=Readings(washout_days=14))["R01"]
    for _ in range(2):
        read(engine, seat)

    class Ahead(datetime):
        @classmethod
        def now(cls, zone):
            return datetime.now(zone) + timedelta(days=3650)

    with monkeypatch.context() as while_ahead:
        while_ahead.setattr(sessions, "datetime", Ahead)
        read(engine, seat)

    waits = session_progress(engine, seat).waits_until - datetime.now(UTC)
    assert timedelta(days=13.9) < waits <= timedelta(days=14)


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"first_confidence": "3"}, "Still open: first choice"),
        ({"first_choice": "PVC"}, "Still open: first confidence"),
        ({"first_choice": "flutter", "first_confidence": "3"}, "expected the code of a statement"),
        (
            {
                "first_choice": "PVC",
                "first_confidence": "3",
                "second_choice": "PVC",
                "second_confidence": "1",
            },
            "Two of your choices are the same",
        ),
        (
            {"first_choice": "PVC", "first_confidence": "3", "second_choice": "SR"},
            "Still open: second confidence",
        ),
    ],
)
def test_a_muddled_differential_is_refused(engine, crossed, answers, message):
    seat = begin(engine, crossed)["R01"]
    with pytest.raises(ValueError, match=message):
        save_item(engine, seat, next_open(engine, seat), answers, seen=0)


def test_practice_tells_what_is_true_after_the_answer_and_keeps_it(engine, crossed):
    practice = [case("p1", "PVC", ("PVC", "SR"))]
    seat = begin(engine, replace(crossed, practice=practice))["R01"]
    item = open_item(engine, seat, next_open(engine, seat))
    assert (item.practice, item.feedback.teaches, item.feedback.truth) == (True, True, ())
    assert item.content.explanation is not None
    read(engine, seat, "SR")
    opened = open_item(engine, seat, item.at)
    assert (opened.feedback.truth, opened.settled) == (("PVC", "SR"), True)
    with pytest.raises(ValueError, match="has told what is true"):
        save_item(
            engine,
            seat,
            item.at,
            {"first_choice": "PVC", "first_confidence": "5"},
            seen=opened.revision,
        )
    assert not foresee_item(engine, seat, next_open(engine, seat)).feedback.teaches


# What is scored.


@pytest.fixture
def readings(engine, crossed):
    """One reader names PVC first, another PVC second behind SR, a third nothing of the sort."""
    seats = begin(engine, crossed)
    for _ in range(9):
        read(engine, seats["R01"], "PVC", "5")
        read(engine, seats["R02"], "SR", "2", second_choice="PVC", second_confidence="4")
        read(engine, seats["R03"], "NORM", "3", seconds=20)
    return differentials(answer_table(engine, "crossed"))


def one(readings, reader, name):
    return readings[(readings["reader"] == reader) & (readings["case"] == name)].iloc[0]


def test_the_first_choice_alone_is_right_or_wrong(readings):
    assert len(readings) == 27
    of = {(r, c): one(readings, r, c)["correct"] for r in ("R01", "R02", "R03") for c in CASES}
    # That the rhythm is sinus is true of c1 as well, and no answer to what it shows.
    assert {key for key, correct in of.items() if correct} == {
        ("R01", "c1"),
        ("R02", "c2"),
        ("R03", "c2"),
    }


def test_a_confidence_is_scored_against_the_event_that_it_was_asked_about(readings):
    assert one(readings, "R01", "c1")["brier"] == pytest.approx((0.9 - 1) ** 2)
    assert one(readings, "R01", "c3")["brier"] == pytest.approx(0.9**2)
    assert one(readings, "R02", "c1")["brier"] == pytest.approx(0.3**2)
    assert one(readings, "R02", "c1")["probability"] == 0.7
    assert one(readings, "R02", "c3")["probability"] == 0


def test_the_frame_of_an_analysis_has_a_row_a_reading(readings):
    frame = mrmc_frame(readings, "auc")
    assert list(frame.columns) == ["reader", "case", "treatment", "truth", "rating"]
    assert not frame.duplicated(["reader", "case", "treatment"]).any()
    truth = frame.groupby("case")["truth"].agg(set).to_dict()
    assert truth == {"c1": {1}, "c2": {0}, "c3": {1}}
    assert list(frame["treatment"].unique()) == list(ARMS)
    seconds = mrmc_frame(readings, "seconds").groupby("reader")["rating"].mean()
    assert seconds.to_dict() == {"R01": 5, "R02": 5, "R03": 20}
    with pytest.raises(ValueError, match="There is no outcome 'charm'"):
        mrmc_frame(readings, "charm")


def test_what_becomes_of_choices_beside_a_right_and_a_wrong_model(readings):
    with_ = readings["treatment"] == "prototypes"
    # The model calls PVC in each: right in c1, wrong in c2, where there is none, and in c3.
    changed = readings.copy()
    changed.loc[with_ & (changed["reader"] == "R03") & (changed["case"] == "c1"), "correct"] = 1.0
    changed.loc[with_ & (changed["reader"] == "R02") & (changed["case"] == "c2"), "correct"] = 0.0
    found = reliance(changed, "alone", "prototypes").set_index("reader")
    assert found["model_right_n"].eq(1).all()
    assert found["model_wrong_n"].eq(2).all()
    assert found["helped"].to_dict() == {"R01": 0, "R02": 0, "R03": 1}
    assert found["harmed"].to_dict() == {"R01": 0, "R02": 0.5, "R03": 0}
    # R01 and R02 call PVC in c2 as the model does; in c3 nobody says AFIB, and nor does it.
    assert found["over_reliance"].to_dict() == {"R01": 1, "R02": 1, "R03": 0.5}
    assert found["under_reliance"].to_dict() == {"R01": 0, "R02": 0, "R03": 1}


@pytest.mark.parametrize(
    ("outcome", "truths", "lacking"),
    [
        ("auc", [("PVC",), ("PVC",)], "without"),
        ("specificity", [("PVC",)], "without"),
        ("sensitivity", [("SR",)], "with"),
        ("auc", [("PVC",), ("SR",)], None),
        ("correct", [("PVC",)], None),
    ],
)
def test_an_outcome_that_the_cases_cannot_have_is_not_declared(
    engine, material, outcome, truths, lacking
):
    readings = [case(f"c{n}", "PVC", truth) for n, truth in enumerate(truths)]
    crossed = replace(material, matches=(), pairs=(), readings=readings)
    design = replace(DESIGN, protocol=Protocol(primary="seconds", secondary=(outcome,)))
    if lacking is None:
        assert create_study(engine, design, crossed).items
        return
    with pytest.raises(DesignError, match=f"{outcome} needs cases {lacking} the finding"):
        create_study(engine, design, crossed)
