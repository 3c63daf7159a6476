"""Studies: made, started, watched and taken away; and how large one has to be."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urljoin

import pandas as pd
import streamlit as st
from sqlalchemy import Engine

from pages.shell import choices, coordinators, frame, models, reviews, uploads, words
from protoecg.bundle import Bundle
from review_db import RatingsError
from review_db.findings.export import study_files
from review_db.sessions.progress import progress
from review_db.statistics.power import MEASURES, Spread, smallest, widths
from review_db.store.files import as_zip
from review_db.studies.accounts import tied_reviewers
from review_db.studies.allocation import bundle_material
from review_db.studies.design import STRATA, Design, DesignError, design_from, design_from_toml
from review_db.studies.lifecycle import (
    StudyInfo,
    create_study,
    new_key,
    remove_study,
    seat_of,
    start_study,
    studies,
)

KEYS, SAID = "new keys", "study said"
VIEWS = ("Studies", "New study", "How large?")
CONTROLS = {
    "wrong_statement": "Prototypes under a wrong statement",
    "random_window": "Random windows of ECGs with the statement",
    "noise": "Noise-degraded copies",
}
BLINDING = {
    "statement": "the statement",
    "similarity": "the similarity",
    "reviewers": "what other reviewers said",
    "model": "the model's name",
}


def main() -> None:
    """Lay out the page."""
    frame.guard("Studies")
    if not coordinators.admitted():
        return
    bundle = models.choose()
    st.markdown("### Studies")
    view = choices.one_of("View", VIEWS, key="view", label_visibility="collapsed")
    if problem := st.session_state.pop(SAID, None):
        st.error(words.plain(problem), icon=":material/error:")
    with reviews.database() as engine:
        if view == "New study":
            _new(engine, bundle)
        elif view == "How large?":
            _power()
        else:
            _made(engine)


def _made(engine: Engine) -> None:
    found = {info.design.name: info for info in studies(engine)}
    if not found:
        st.info("There is no study yet. Make one under “New study”.", icon=":material/science:")
        return
    name = st.selectbox("Study", list(found), key="study", bind="query-params", width=420)
    info = found[name]
    st.caption(_design(info))
    if info.started_at is None:
        _before(engine, name)
    else:
        _keys(name)
        _running(engine, info)


def _design(info: StudyInfo) -> str:
    design = info.design
    hidden = [what for name, what in BLINDING.items() if getattr(design.blinding, name)]
    return " · ".join(
        [
            f"**started {info.started_at:%Y-%m-%d}**" if info.started_at else "**not started**",
            words.plain(design.title or design.name),
            f"{info.items} items",
            f"{len(design.reviewers)} reviewers",
            f"model {words.plain(info.bundle)}, version {info.fingerprint[:8]}",
            f"hidden: {', '.join(hidden) or 'nothing'}",
            "two looks" if design.two_stages else "one look",
            f"{100 * design.repeats:.0f} % repeats",
            f"seed {design.seed}",
        ]
    )


def _before(engine: Engine, name: str) -> None:
    st.write(
        "Starting writes down which item each reviewer meets when, and makes their keys. From then "
        "on nothing can be changed."
    )
    with st.container(horizontal=True):
        st.button("Start the study", type="primary", on_click=_start, args=(engine, name))
        st.button("Remove it", type="tertiary", on_click=_remove, args=(engine, name))


def _start(engine: Engine, name: str) -> None:
    try:
        coordinators.confirm()
        st.session_state[KEYS] = name, start_study(engine, name)
    except (DesignError, RatingsError) as error:
        st.session_state[SAID] = str(error)


def _remove(engine: Engine, name: str) -> None:
    try:
        coordinators.confirm()
        remove_study(engine, name)
        st.query_params.pop("study", None)
    except (DesignError, RatingsError) as error:
        st.session_state[SAID] = str(error)


def _keys(name: str) -> None:
    """Show keys that were just made; they are kept nowhere but in this browser's session."""
    study, keys = st.session_state.get(KEYS, ("", {}))
    if study != name:
        return
    st.warning(
        "Hand each reviewer their own key or link now: it is not stored, and only another one can "
        "be made later.",
        icon=":material/key:",
    )
    links = [urljoin(st.context.url or "", f"take_part?key={key}") for key in keys.values()]
    table = pd.DataFrame({"Reviewer": list(keys), "Key": list(keys.values()), "Link": links})
    st.dataframe(table, hide_index=True)
    st.button("I have noted them", on_click=st.session_state.pop, args=(KEYS,))


def _running(engine: Engine, info: StudyInfo) -> None:
    name = info.design.name
    rows = []
    for reviewer in info.design.reviewers:
        now = progress(engine, seat_of(engine, name, reviewer))
        states = list(now.states.values())
        flagged = ", ".join(map(str, now.flagged))
        rows.append((reviewer, now.done, now.total, states.count("skipped"), flagged))
    columns = ["Reviewer", "Rated", "Of", "Skipped", "Flagged positions"]
    table = pd.DataFrame(rows, columns=columns)
    if tied := tied_reviewers(engine, name):
        table["Tied to an account"] = table["Reviewer"].isin(tied)
    st.dataframe(table, hide_index=True)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.download_button(
            "Everything as CSV, with codebook",
            lambda: as_zip(study_files(engine, name)),
            file_name=f"protoecg_study_{name}.zip",
            mime="application/zip",
            on_click="ignore",
            icon=":material/download:",
        )
        reviewer = st.selectbox("A key was lost by", info.design.reviewers, width=200)
        st.button(
            "Make another key",
            on_click=_replace_key,
            args=(engine, name, reviewer),
            help="The old key opens nothing any more, nor does the account that it is tied to.",
        )


def _replace_key(engine: Engine, name: str, reviewer: str) -> None:
    try:
        coordinators.confirm()
        st.session_state[KEYS] = name, {reviewer: new_key(engine, name, reviewer)}
    except RatingsError as error:
        st.session_state[SAID] = str(error)


def _new(engine: Engine, bundle: Bundle) -> None:
    st.caption(f"Of the prototypes of {words.plain(bundle.name)}; choose the model at the left.")
    with st.expander("From a TOML file"):
        file = st.file_uploader("Settings (TOML)", type="toml", max_upload_size=uploads.STUDY_MB)
        cases = _cases("with the file")
        content = file.getvalue() if file is not None else b""
        if st.button("Make the study of this file", disabled=file is None):
            _create(engine, bundle, lambda: design_from_toml(_text(content)), cases)
    with st.form("new study"):
        settings = _form(bundle)
        cases = _cases("with the form")
        if st.form_submit_button("Make the study", type="primary"):
            _create(engine, bundle, lambda: design_from(settings), cases)


def _cases(key: str) -> bytes | None:
    file = st.file_uploader(
        "Cases (JSON), if any",
        type="json",
        max_upload_size=uploads.STUDY_MB,
        key=f"cases {key}",
        help="Patients' ECGs with their matches, pairs of explanations, and ECGs to read.",
    )
    return file.getvalue() if file is not None else None


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DesignError(f"The study's settings are no UTF-8 text: {error}.") from error


def _form(bundle: Bundle) -> dict[str, object]:
    left, middle, right = st.columns(3, gap="large")
    with left:
        name = st.text_input("Name", placeholder="pilot", help="Letters, digits and _ . -")
        title = st.text_input("Title, as reviewers read it")
        reviewers = st.text_area("Reviewers' codes", placeholder="R01 R02 R03", height=68)
        seed = st.number_input("Seed", 0, value=1, help="The same seed draws the same study.")
    with middle:
        branches = st.multiselect("Branches", sorted({p.branch for p in bundle.prototypes}))
        codes = sorted({p.statement for p in bundle.prototypes})
        statements = st.multiselect("Statements", codes, format_func=words.named)
        size = st.number_input("Prototypes (0 for all)", 0, len(bundle.prototypes), 0)
        stratify = st.selectbox("Spread evenly over", STRATA)
        practice = st.number_input("Practice items", 0, value=3)
        repeats = st.slider("Repeats, %", 0, 50, 12)
    with right:
        controls: dict[str, float] = {
            key: st.number_input(what, 0, value=0) for key, what in CONTROLS.items()
        }
        controls["noise_snr_db"] = st.number_input("Signal to noise, dB", -20.0, 40.0, 0.0)
        two_stages = st.checkbox("Two looks: rate, see what was hidden, rate again")
        summaries = st.checkbox("Ask for best and bad prototypes of each statement", value=True)
        usual = {"similarity", "reviewers", "model"}
        blinding = {
            key: st.checkbox(f"Hide {what}", value=key in usual) for key, what in BLINDING.items()
        }
    return {
        "name": name.strip(),
        "title": title.strip(),
        "reviewers": reviewers.replace(",", " ").split(),
        "seed": seed,
        "practice": practice,
        "repeats": repeats / 100,
        "two_stages": two_stages,
        "summaries": summaries,
        "sample": {
            "branches": branches,
            "statements": statements,
            "size": size,
            "stratify": stratify,
        },
        "controls": controls,
        "blinding": blinding,
    }


def _create(
    engine: Engine, bundle: Bundle, planned: Callable[[], Design], cases: bytes | None
) -> None:
    try:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "cases.json"
            if cases is not None:
                file.write_bytes(cases)
            material = bundle_material(bundle.path, file if cases is not None else None)
        made = create_study(engine, planned(), material)
    except DesignError as error:
        st.error(words.plain(str(error)), icon=":material/error:")
        return
    st.success(
        f"{words.plain(made.design.name)} is made, with {made.items} items. Start it under "
        "“Studies”.",
        icon=":material/check_circle:",
    )


def _power() -> None:
    st.write("How wide a 95 % interval will be, by simulating studies.")
    with st.form("power"), st.container(horizontal=True):
        measure = st.selectbox("Interval of", MEASURES, width=160)
        width = st.number_input("At most this wide", 0.05, 2.0, 0.4, 0.05, width=160)
        reviewers = st.multiselect("Reviewers", range(2, 13), [2, 4, 6], width=280)
        prototypes = st.multiselect("Prototypes", range(10, 210, 10), [20, 40, 80], width=280)
        between = st.number_input("SD between prototypes", 0.0, 2.0, 0.8, 0.1, width=180)
        rest = st.number_input("SD of the rest", 0.1, 2.0, 0.7, 0.1, width=180)
        asked = st.form_submit_button("Simulate", type="primary")
    if asked and reviewers and prototypes:
        table = _simulated(tuple(reviewers), tuple(prototypes), measure, between, rest)
        _widths(table, width)


@st.cache_data(max_entries=32, show_spinner="Simulating studies")
def _simulated(
    reviewers: tuple[int, ...],
    prototypes: tuple[int, ...],
    measure: str,
    between: float,
    rest: float,
) -> pd.DataFrame:
    spread = Spread(prototypes=between, residual=rest)
    return widths(reviewers, prototypes, measure=measure, spread=spread)


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


main()
