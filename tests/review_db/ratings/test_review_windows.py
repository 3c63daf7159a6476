from dataclasses import replace

import pandas as pd
import pytest

from protoecg.prototypes.curation import CurationError, Rule
from protoecg.prototypes.prototype import Prototype
from review_db import Item, answers, save_answer
from review_db.curation.proposals import propose
from review_db.findings.opinions import opinions
from review_db.ratings.results import prototype_summary, rating_table
from review_db.ratings.windows import register, share_windows


def prototype(name, record="r1", statement="IMI", start=1.0):
    return Prototype(
        name=name,
        record=record,
        window_s=(start, start + 0.95),
        statements=(statement,),
        patient="1",
        age=None,
        sex=None,
        sha256=record * 4,
        branch="morphology",
        statement=statement,
    )


KEPT, RETIRED, NEW = prototype("m-IMI-1"), prototype("m-IMI-2", "r2"), prototype("m-IMI-3", "r3")
# The kept one has another name and place in the later bundle.
KEPT_LATER = replace(KEPT, name="m-IMI-9")


def item(prototype, bundle="old", fingerprint="f1"):
    return Item(bundle, fingerprint, prototype.name, prototype.branch, prototype.statement)


@pytest.fixture
def rated(engine):
    register(engine, "f1", [KEPT, RETIRED])
    register(engine, "f2", [NEW, KEPT_LATER])
    for which, points in ((KEPT, 4), (RETIRED, 1)):
        save_answer(
            engine,
            reviewer="R01",
            item=item(which),
            question="representativeness",
            value=points,
        )
    return engine


def test_a_rating_follows_its_window_into_a_later_bundle(rated):
    later = answers(rated, reviewer="R01", bundle="new", fingerprint="f2")
    assert later == {"m-IMI-9": {"representativeness": "4"}}
    summary = prototype_summary(rated, bundle="new", fingerprint="f2")
    assert list(summary.index) == ["m-IMI-9"]


def test_an_answer_in_the_later_bundle_stands_in_both(rated):
    save_answer(
        rated,
        reviewer="R01",
        item=item(KEPT_LATER, "new", "f2"),
        question="representativeness",
        value=2,
    )
    for bundle, fingerprint, name in (("old", "f1", "m-IMI-1"), ("new", "f2", "m-IMI-9")):
        given = answers(rated, reviewer="R01", bundle=bundle, fingerprint=fingerprint)
        assert given[name] == {"representativeness": "2"}


def test_what_is_taken_back_in_the_later_bundle_does_not_come_back(rated):
    later = item(KEPT_LATER, "new", "f2")
    assert save_answer(rated, reviewer="R01", item=later, question="representativeness", value=None)
    assert answers(rated, reviewer="R01", bundle="new", fingerprint="f2") == {}
    assert opinions(rated)["prototype"].tolist() == ["m-IMI-2"]


def test_the_best_of_its_statement_is_said_of_one_version_alone(rated):
    save_answer(rated, reviewer="R01", item=item(KEPT), question="best", value=True)
    later = answers(rated, reviewer="R01", bundle="new", fingerprint="f2")
    assert "best" not in later["m-IMI-9"]


def test_one_reviewers_answers_stay_theirs(rated):
    save_answer(
        rated, reviewer="R02", item=item(KEPT_LATER, "new", "f2"), question="clarity", value=3
    )
    table = rating_table(rated, bundle="old", fingerprint="f1")
    assert set(table["reviewer"]) == {"R01", "R02"}
    assert set(table["prototype"]) == {"m-IMI-1", "m-IMI-2"}


def test_windows_are_stored_once(rated):
    register(rated, "f1", [KEPT, RETIRED])
    register(rated, "f1", [replace(KEPT, record="forged"), RETIRED])
    assert set(opinions(rated)["record"]) == {"r1", "r2"}


def answers_of(points, question="representativeness", window=KEPT):
    return pd.DataFrame(
        [
            {"reviewer": f"R{i}", "window": window.identity, "question": question, "value": value}
            for i, value in enumerate(points)
        ]
    )


@pytest.mark.parametrize(
    ("rule", "given", "retired"),
    [
        (Rule(representativeness=2), answers_of("112"), True),
        (Rule(representativeness=2), answers_of("133"), False),
        (Rule(representativeness=2), answers_of("1"), False),
        (Rule(representativeness=2, reviewers=1), answers_of("1"), True),
        (Rule(clarity=1), answers_of("11"), False),
        (Rule(not_accurate=0.5), answers_of(["no", "no", "yes"], "accurate"), True),
        (Rule(not_accurate=0.5), answers_of(["no", "yes"], "accurate"), False),
        (Rule(bad=0.5), answers_of(["yes", "yes"], "bad"), True),
        (Rule(representativeness=2, keep=("m-IMI-1",)), answers_of("111"), False),
        (Rule(retire=("m-IMI-1",)), answers_of("555"), True),
    ],
)
def test_a_rule_retires_what_its_limits_say(rule, given, retired):
    found = propose(rule, [KEPT, RETIRED], given).retired
    assert [proposal.prototype for proposal in found] == (["m-IMI-1"] if retired else [])


def test_disagreement_is_said_beside_the_reason():
    (found,) = propose(Rule(representativeness=2), [KEPT], answers_of("115")).retired
    assert "median representativeness 1, at most 2 (3 reviewers: R0, R1, R2)" == found.why
    assert found.disagreement == "they disagree: representativeness from 1 to 5"


def test_a_rejected_window_stays_rejected_where_the_bundle_has_it_no_more():
    both = pd.concat([answers_of("11", window=RETIRED), answers_of("55")])
    proposals = propose(Rule(representativeness=2), [KEPT, NEW], both)
    assert proposals.retired == () and proposals.rejected == (RETIRED.identity,)


def test_ratings_of_another_bundle_are_refused():
    with pytest.raises(CurationError, match="of another one"):
        propose(Rule(representativeness=2), [NEW], answers_of("11"))


def test_versions_that_kept_a_window_are_told_from_those_that_have_none_in_common(engine, rated):
    register(engine, "f3", [RETIRED])
    assert share_windows(engine, "f1", "f2")
    assert share_windows(engine, "f3", "f1")
    assert not share_windows(engine, "f2", "f3")
    assert share_windows(engine, "of no bundle here", "of no bundle here")
