"""An anchor that all reviewers meet, and a rotating block of each."""

from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from review_db.findings.export import study_files
from review_db.statistics.mrmc import compare_ratings
from review_db.statistics.mrmc.power import Readings, assumed, power, simulated
from review_db.statistics.mrmc.ratings import of_array
from review_db.statistics.power import widths
from review_db.studies.allocation import allocate, order_of
from review_db.studies.blocks import met
from review_db.studies.design import Controls, Design, DesignError, design_from, design_from_toml
from review_db.studies.design.declared import ARMS, Allocation
from review_db.studies.items import ShownExplanation, ShownMatch, SourceFile, SourceWindow
from review_db.studies.items.case_file import PairCase, ReadingCase
from review_db.studies.items.selection import make_items
from review_db.studies.lifecycle import create_study, start_study, study_protocol
from review_db.studies.running import close_study

REVIEWERS = tuple(f"R{n:02}" for n in range(6))
DESIGN = Design(
    "blocks",
    REVIEWERS,
    1,
    repeats=0.1,
    practice=2,
    summaries=False,
    controls=Controls(noise=3),
    allocation=Allocation(anchor=0.3, reviewers_each=2),
)
WINDOW = SourceWindow(record="records/PVC0", sha256="0" * 64, window_s=(1, 2))
SHOWN = ShownExplanation(matches=(ShownMatch(window_s=(1, 2), prototype=WINDOW),))


def ecg(n):
    return SourceFile(record=f"patients/c{n}", sha256="0" * 64)


@pytest.fixture
def many(material):
    """Material with forty ECGs to read and forty pairs beside its prototypes."""
    readings = [
        ReadingCase(case=f"r{n}", statement="PVC", truth=("PVC",), ecg=ecg(n), explanation=SHOWN)
        for n in range(40)
    ]
    pairs = [
        PairCase(case=f"p{n}", statement="PVC", truth=("PVC",), ecg=ecg(100 + n), a=SHOWN, b=SHOWN)
        for n in range(40)
    ]
    return replace(material, readings=readings, pairs=pairs)


@pytest.fixture
def items(many):
    return make_items(DESIGN, many)


def first(items, kind, design=DESIGN):
    """Return where reviewers meet the rated items of a kind first."""
    return [
        p
        for p in allocate(design, items)
        if p.repeat_of is None
        and (items[p.item - 1].kind, items[p.item - 1].role) == (kind, "rated")
    ]


@pytest.mark.parametrize("kind", ["prototype", "pair", "differential"])
def test_all_meet_the_anchor_and_each_other_item_is_met_by_as_many_as_declared(items, kind):
    whose = {}
    for place in first(items, kind):
        whose.setdefault(place.item, set()).add(place.reviewer)
    rated = [n for n, i in enumerate(items, 1) if (i.kind, i.role) == (kind, "rated")]
    assert sorted(whose) == rated
    counted = Counter(map(len, whose.values()))
    assert counted == {6: round(0.3 * len(rated)), 2: len(rated) - round(0.3 * len(rated))}
    load = Counter(who for reviewers in whose.values() for who in reviewers)
    assert max(load.values()) - min(load.values()) <= 2
    # Any two reviewers share about as many items as any other two.
    shared = [sum({a, b} <= reviewers for reviewers in whose.values()) for a, b in pairs()]
    assert max(shared) - min(shared) <= 2


def pairs():
    return combinations(REVIEWERS, 2)


def test_the_anchor_and_each_block_hold_all_statements_alike(items):
    for reviewer in REVIEWERS:
        own = [items[p.item - 1] for p in first(items, "prototype") if p.reviewer == reviewer]
        by_statement = Counter((item.branch, item.statement) for item in own)
        assert max(by_statement.values()) - min(by_statement.values()) <= 3


def test_practice_and_controls_are_met_by_all(items):
    unrated = {n for n, item in enumerate(items, 1) if item.role != "rated"}
    assert len(unrated) == 5
    for reviewer in REVIEWERS:
        assert unrated <= {p.item for p in allocate(DESIGN, items) if p.reviewer == reviewer}


def test_each_item_has_both_sides_and_so_has_each_reviewer(items):
    places = first(items, "pair")
    for item in {p.item for p in places}:
        sides = [p.swapped for p in places if p.item == item]
        assert sum(sides) * 2 == len(sides)
    for reviewer in REVIEWERS:
        sides = [p.swapped for p in places if p.reviewer == reviewer]
        assert abs(sum(sides) - len(sides) / 2) <= 1.5


def test_arms_are_balanced_over_reviewers_and_over_each_ones_sessions(items):
    places = first(items, "differential")
    assert set(Counter((p.reviewer, p.item, p.arm) for p in places).values()) == {1}
    assert set(Counter((p.reviewer, p.item, p.session) for p in places).values()) == {1}
    in_session = Counter((p.reviewer, p.session, p.arm) for p in places)
    assert len(in_session) == len(REVIEWERS) * len(ARMS) ** 2
    assert max(in_session.values()) - min(in_session.values()) <= 2


def test_one_who_comes_late_meets_the_block_of_one_before(items):
    early, late = (
        {p.item for p in order_of(DESIGN, items, who, row)} for who, row in (("R01", 1), ("R99", 7))
    )
    assert early == late


def test_without_blocks_everybody_meets_everything_in_the_order_of_before(many):
    design = replace(DESIGN, allocation=Allocation(0.5, 0))
    assert len(first(make_items(design, many), "pair", design)) == 6 * 40


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("[allocation]\nreviewers_each = 3", "met by 3 reviewers, and the study has 2"),
        ("summaries = true\n[allocation]\nreviewers_each = 1", "Summaries compare all prototypes"),
        ("[allocation]\nanchor = 1.5", "expected 0 to 1"),
    ],
)
def test_blocks_that_cannot_be_are_refused(more, message):
    summaries = "" if "summaries" in more else "summaries = false\n"
    with pytest.raises(DesignError, match=message):
        design_from_toml(f'name = "b"\nreviewers = ["R01", "R02"]\nseed = 1\n{summaries}{more}')


def test_protocol_and_methods_say_who_meets_what(engine, many):
    create_study(engine, DESIGN, many)
    start_study(engine, "blocks")
    assert "reviewers meet 30 %" in study_protocol(engine, "blocks")[0]
    close_study(engine, "blocks", actor="coordinator")
    readme = study_files(engine, "blocks")["README.md"].decode()
    assert "30 % were met by all reviewers, each of the others by 2 of them" in readme


def test_a_design_of_before_has_the_protocol_of_before(engine, many):
    plain = {"name": "plain", "reviewers": ["R01"], "seed": 1, "summaries": False}
    create_study(engine, design_from(plain), many)
    assert "allocation" not in study_protocol(engine, "plain")[0]


def test_intervals_are_wider_where_reviewers_meet_fewer_items():
    whole = widths([6], [60], simulations=40)["width"][0]
    blocks = widths([6], [60], simulations=40, deal=lambda n, r: met(n, r, 0.2, 2))["width"][0]
    fewer = widths([6], [20], simulations=40)["width"][0]
    assert whole < blocks < fewer * 1.05


@pytest.mark.slow
@pytest.mark.parametrize(("anchor", "each"), [(0.3, 2), (0.0, 1), (0.2, 3)])
def test_power_with_blocks_agrees_with_studies_within_a_tenth(anchor, each):
    readings, readers, cases = Readings(0.6, 0.75), 6, 150
    who = met(cases, readers, anchor, each)
    predicted = power(assumed(readings), 0.15, readers, cases, met=who)
    chance, p = np.random.default_rng(4), []
    for _ in range(1500):
        values = np.where(who.T, simulated(readings, readers, cases, chance), np.nan)
        compared = compare_ratings(of_array(values, np.ones(cases)), "mean")
        p.append(compared.random_readers_random_cases.p)
    assert predicted == pytest.approx(np.mean(np.array(p) < 0.05), rel=0.1)
