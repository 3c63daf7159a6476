"""A whole study of six simulated readers of known effect, by the sessions that people use."""

import random
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from known_readers import EFFECT, READERS

from review_db.findings.answers import answer_table
from review_db.findings.differentials import compare_arms, differentials, reliance
from review_db.sessions.progress import next_open, session_progress
from review_db.sessions.sessions import open_item, save_item
from review_db.studies.design import Design
from review_db.studies.design.declared import Protocol, Readings
from review_db.studies.items import ShownCall, ShownExplanation, SourceFile
from review_db.studies.items.case_file import ReadingCase
from review_db.studies.lifecycle import create_study, start_study
from review_db.studies.seats import sign_in

CASES = 24
SECONDS = {"alone": 40.0, "prototypes": 52.0}
DESIGN = Design(
    "six",
    tuple(READERS),
    11,
    practice=0,
    readings=Readings(arms=("alone", "prototypes"), washout_days=0),
    protocol=Protocol(primary="correct", secondary=("seconds",)),
)


def case(n):
    """Every second case is one of specificity: the finding that it is about isn't there."""
    present = n % 2 == 0
    # The model errs in every sixth case.
    called = present != (n % 6 == 5)
    return ReadingCase(
        case=f"case{n:02}",
        statement="AFIB",
        truth=("AFIB",) if present else ("NORM", "SR"),
        ecg=SourceFile(record=f"patients/{n}", sha256="0" * 64),
        explanation=ShownExplanation(matches=()),
        calls=(ShownCall(statement="AFIB"),) if called else (),
    )


def read_all(engine, seat, truth, given):
    """Read each ECG of each session, and keep in `given` how often a reader was right in an arm."""
    chance = random.Random(seat.reviewer)
    while (at := next_open(engine, seat)) is not None:
        item = open_item(engine, seat, at)
        arm = "alone" if item.content.calls is None else "prototypes"
        right = chance.random() < READERS[seat.reviewer][arm == "prototypes"]
        present = truth[item.content.ecg.record]
        first = ("AFIB" if present else "NORM") if right else ("NORM" if present else "AFIB")
        given[seat.reviewer, arm].append(right)
        answers = {"first_choice": first, "first_confidence": "4"}
        save_item(engine, seat, at, answers, seen=item.revision, seconds=SECONDS[arm])


@pytest.fixture
def six(engine, material):
    """The study once all have read, and how often each was right in truth."""
    cases = [case(n) for n in range(CASES)]
    bare = replace(material, prototypes=[], matches=(), pairs=(), readings=cases)
    create_study(engine, DESIGN, bare)
    truth = {one.ecg.record: "AFIB" in one.truth for one in cases}
    given = defaultdict(list)
    for key in start_study(engine, "six").values():
        seat = sign_in(engine, key)
        read_all(engine, seat, truth, given)
        assert session_progress(engine, seat).done == 2 * CASES
    return engine, {who: float(np.mean(right)) for who, right in given.items()}


def test_a_study_gives_the_effect_of_its_readers_back(six):
    engine, right = six
    readings = differentials(answer_table(engine, "six"))
    _effect(readings, right)
    _sensitivity_and_specificity(readings, right)
    _reliance(readings)


def _effect(readings, right):
    assert len(readings) == len(READERS) * CASES * 2

    found = compare_arms(readings, "correct", ("prototypes", "alone"))
    assert (found.readers, found.cases, found.paired) == (6, CASES, True)
    for one in found.per_reader:
        expected = right[one.reader, "prototypes"], right[one.reader, "alone"]
        assert one.values == pytest.approx(expected)
    analysis = found.random_readers_random_cases
    seen = np.mean([right[r, "prototypes"] - right[r, "alone"] for r in READERS])
    assert analysis.difference == pytest.approx(seen)
    assert analysis.ci[0] <= EFFECT <= analysis.ci[1]

    changes = {one.reader: one.values[0] - one.values[1] for one in found.per_reader}
    assert min(changes, key=changes.get) == "harmed"
    assert changes["harmed"] < 0 < min(changes[f"helped{n}"] for n in (1, 2, 3))

    seconds = compare_arms(readings, "seconds", ("prototypes", "alone"))
    assert seconds.random_readers_random_cases.difference == pytest.approx(12)


def _sensitivity_and_specificity(readings, right):
    measured = {
        outcome: compare_arms(readings, outcome, ("prototypes", "alone"))
        for outcome in ("sensitivity", "specificity")
    }
    # Half of the cases have the finding, so that their mean is the share of right first choices.
    for n, arm in enumerate(("prototypes", "alone")):
        mean = np.mean([found.means[n] for found in measured.values()])
        assert mean == pytest.approx(np.mean([right[reader, arm] for reader in READERS]))


def _reliance(readings):
    by_reader = reliance(readings, "alone", "prototypes").set_index("reader")
    assert by_reader["model_wrong_n"].eq(CASES // 6).all()
    assert by_reader["model_right_n"].eq(CASES - CASES // 6).all()
    assert by_reader.loc["helped1", "helped"] > by_reader.loc["harmed", "helped"]
    assert (by_reader["under_reliance"] + by_reader["over_reliance"]).between(0, 2).all()
