"""A new study: its design by a form or a file, and the cases that it asks about."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import streamlit as st
from sqlalchemy import Engine

from pages.shell import uploads, words
from protoecg.bundle import Bundle
from review_db.studies.design import STRATA, Design, DesignError, design_from, design_from_toml
from review_db.studies.lifecycle import create_study
from review_db.studies.material import bundle_material

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


def show(engine: Engine, bundle: Bundle) -> None:
    """Ask for a study's design, and make the study."""
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
        statements = st.multiselect("Statements", codes, format_func=bundle.labels.named)
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
