"""How large a study has to be: for intervals of a given width, or to find a difference."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st
from sqlalchemy import Engine
from streamlit.delta_generator import DeltaGenerator

from pages.shell import choices, words
from protoecg import wording
from review_db.findings.answers import answer_table
from review_db.findings.cases import pilot_comparison
from review_db.findings.opening import opening
from review_db.findings.prototypes import rated, rating_matrix
from review_db.statistics.mrmc.power import (
    ENOUGH,
    Confidences,
    Readings,
    Variances,
    assumed,
    assumed_auc,
    of_pilot,
    powers,
)
from review_db.statistics.power import (
    MEASURES,
    HoldsFor,
    Measure,
    Spread,
    smallest,
    spread_of,
    widths,
)
from review_db.studies.blocks import met
from review_db.studies.design.declared import Allocation
from review_db.studies.lifecycle import studies

RIGHT, AUC = "Right first choices", "AUC"
OUTCOMES = {RIGHT: "correct", AUC: "auc"}
INTERVAL, DIFFERENCE = "An interval", "A difference"
ASSUMED = "none: assumed below"


def show(engine: Engine) -> None:
    """Ask what the study is for, and for sizes."""
    wanted = choices.one_of("Large enough for", [INTERVAL, DIFFERENCE], key="size-for")
    started = [info.design.name for info in studies(engine) if info.started_at]
    seen = {name: found for name in started if (found := opening(engine, name)).is_open}
    pilot = st.selectbox(
        "Pilot study, to estimate the spread from",
        [ASSUMED, *seen],
        width=420,
        help="A study whose answers may be seen: one that has ended, or was looked at. Few "
        "reviewers tell little of how others differ.",
    )
    answers = answer_table(engine, pilot, seen[pilot].until) if pilot != ASSUMED else None
    if wanted == INTERVAL:
        _interval(answers)
    else:
        _difference(answers)


def _interval(pilot: pd.DataFrame | None) -> None:
    st.write("How wide a 95 % interval of ratings from 1 to 5 will be, by simulating studies.")
    known = _known_spread(pilot)
    with st.form("power"), _row():
        measure = st.selectbox("Interval of", MEASURES, width=160)
        holds_for = st.selectbox("It holds for", ["new reviewers", "these reviewers"], width=180)
        width = st.number_input("At most this wide", 0.05, 3.0, 0.8, 0.05, width=160)
        reviewers = st.multiselect("Reviewers", range(3, 21), [4, 6, 10], width=280)
        prototypes = st.multiselect("Prototypes", range(10, 210, 10), [20, 40, 80], width=280)
        between = st.number_input(
            "SD between prototypes", 0.0, 2.0, known.prototypes, 0.1, width=180
        )
        strict = st.number_input("SD between reviewers", 0.0, 2.0, known.reviewers, 0.1, width=180)
        rest = st.number_input("SD of the rest", 0.1, 2.0, max(known.residual, 0.1), 0.1, width=180)
        blocks = _blocks()
        asked = st.form_submit_button("Simulate", type="primary")
    if asked and reviewers and prototypes:
        spread = Spread(known.mean, between, strict, rest)
        whom: HoldsFor = "new" if holds_for == "new reviewers" else "these"
        sizes = tuple(reviewers), tuple(prototypes)
        if _can_be_dealt(blocks, reviewers):
            _widths(_simulated(*sizes, measure, whom, spread, blocks), width)


def _known_spread(pilot: pd.DataFrame | None) -> Spread:
    """Return the spread of a pilot's representativeness, else what is usual."""
    if pilot is None:
        return Spread()
    try:
        found = spread_of(rating_matrix(rated(pilot), "representativeness"))
    except ValueError as error:
        st.info(f"{words.plain(str(error))} What is usual is assumed instead.")
        return Spread()
    st.caption(
        f"Of the pilot's representativeness: mean {found.mean:.2f}, SD between prototypes "
        f"{found.prototypes:.2f}, between reviewers {found.reviewers:.2f}, of the rest "
        f"{found.residual:.2f}."
    )
    return found


@st.cache_data(max_entries=32, show_spinner="Simulating studies")
def _simulated(
    reviewers: tuple[int, ...],
    prototypes: tuple[int, ...],
    measure: Measure,
    holds_for: HoldsFor,
    spread: Spread,
    blocks: Allocation,
) -> pd.DataFrame:
    return widths(
        reviewers,
        prototypes,
        measure=measure,
        holds_for=holds_for,
        spread=spread,
        deal=partial(met, anchor=blocks.anchor, each=blocks.reviewers_each),
    )


def _row() -> DeltaGenerator:
    return st.container(horizontal=True, vertical_alignment="bottom")


def _blocks() -> Allocation:
    """Ask who meets what."""
    each = st.number_input(
        "Reviewers of each item",
        0,
        30,
        0,
        width=180,
        help="0 where everybody meets everything; else the anchor aside, each item is met by these "
        "many, by turns.",
    )
    anchor = st.number_input("Anchor, %", 0, 100, 30, width=120, help="Met by all nevertheless.")
    return Allocation(anchor / 100, each)


def _can_be_dealt(blocks: Allocation, reviewers: Sequence[int]) -> bool:
    if blocks.reviewers_each <= min(reviewers):
        return True
    st.error(
        f"Each item cannot be met by {blocks.reviewers_each} of {min(reviewers)} reviewers.",
        icon=":material/error:",
    )
    return False


def _widths(table: pd.DataFrame, width: float) -> None:
    enough = smallest(table, width)
    for row in enough.itertuples():
        st.markdown(f"**{row.reviewers} reviewers** reach it with {row.prototypes} prototypes.")
    if enough.empty:
        st.info("None of these sizes reaches it in 90 % of studies. Try larger ones.")
    names = {
        "reviewers": "Reviewers",
        "prototypes": "Prototypes",
        "value": "Mean of the measure",
        "width": "Width (median)",
        "width_90": "Width that 90 % stay below",
    }
    st.dataframe(table.round(2).rename(columns=names), hide_index=True)


def _difference(pilot: pd.DataFrame | None) -> None:
    st.write(
        "How likely a difference between two ways of reading is found (p below 0.05, readers and "
        "cases like these), if readers read their cases in both."
    )
    outcome = choices.one_of("Difference of", list(OUTCOMES), key="size-of")
    is_auc = outcome == AUC
    known = _known_variances(pilot, OUTCOMES[outcome])
    low, high, without, with_ = (50, 99, 80, 88) if is_auc else (1, 99, 60, 70)
    with st.form(f"difference {outcome}"), _row():
        without = st.number_input(f"{outcome} without, %", low, high, without, width=220)
        with_ = st.number_input(f"{outcome} with, %", low, high, with_, width=220)
        readers = st.multiselect("Readers", range(2, 31), [4, 6, 10, 15], width=280)
        cases = st.multiselect("Cases", range(20, 420, 20), [60, 100, 200], width=280)
        if known is None:
            ask = _ask_confidences if is_auc else _ask_readings
            assumption = ask(without / 100, with_ / 100)
        blocks = _blocks()
        asked = st.form_submit_button("Compute", type="primary")
    if not (asked and readers and cases and _can_be_dealt(blocks, readers)):
        return
    deal = partial(met, anchor=blocks.anchor, each=blocks.reviewers_each)
    variances = known or _assumed(assumption)
    _powers(powers(variances, abs(with_ - without) / 100, readers, cases, deal=deal))


def _ask_readings(without: float, with_: float) -> Readings:
    usual = Readings()
    level = st.number_input("SD between readers", 0.0, 3.0, usual.readers, 0.1, width=180)
    effect = st.number_input("SD of what readers gain", 0.0, 3.0, usual.effect, 0.1, width=200)
    hard = st.number_input("SD between cases", 0.0, 3.0, usual.cases, 0.1, width=180)
    st.caption("Standard deviations in logits.")
    return Readings(without, with_, level, effect, hard)


def _ask_confidences(without: float, with_: float) -> Confidences:
    usual = Confidences()
    share = st.number_input("Cases with the finding, %", 5, 95, round(100 * usual.share), width=200)
    level = st.number_input("SD between readers", 0.0, 2.0, usual.readers, 0.1, width=180)
    effect = st.number_input("SD of what readers gain", 0.0, 2.0, usual.effect, 0.1, width=200)
    st.caption(
        "An AUC needs cases with the finding and without it; both are in the number of cases. "
        "Standard deviations of how far apart readers rate the two, in those of a rating."
    )
    return Confidences(without, with_, level, effect, share=share / 100)


def _known_variances(pilot: pd.DataFrame | None, outcome: str) -> Variances | None:
    """Return the variances of an outcome in a pilot; None where they cannot be computed."""
    if pilot is None:
        return None
    try:
        found = of_pilot(pilot_comparison(pilot, outcome))
    except ValueError as error:
        st.info(f"{words.plain(str(error))} The spread is assumed instead.")
        return None
    st.caption(
        "The spread is the pilot's; the difference that you enter decides, not the one that the "
        "pilot found."
    )
    return found


@st.cache_data(max_entries=32, show_spinner="Simulating readings")
def _assumed(assumption: Readings | Confidences) -> Variances:
    if isinstance(assumption, Confidences):
        return assumed_auc(assumption)
    return assumed(assumption)


def _powers(table: pd.DataFrame) -> None:
    enough = table[table["power"] >= ENOUGH].sort_values("cases").drop_duplicates("readers")
    for row in enough.sort_values("readers").itertuples():
        st.markdown(
            f"**{row.readers} readers** find it with {row.cases} cases in "
            f"{wording.share(row.power)} of studies."
        )
    if enough.empty:
        st.info(
            f"None of these sizes finds it in {wording.share(ENOUGH)} of studies. Where "
            "readers differ, more of them help more than more cases."
        )
    printed = table.assign(power=[wording.share(power) for power in table["power"]])
    names = {"readers": "Readers", "cases": "Cases", "power": "Power"}
    st.dataframe(printed.rename(columns=names), hide_index=True)
