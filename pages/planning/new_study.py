"""A new study: its design by a form or a file, and the cases that it asks about."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from sqlalchemy import Engine

from pages.planning import declared, preview
from pages.shell import choices, uploads, words
from protoecg.prototypes.sets import PrototypeSet
from review_db.studies.design import STRATA, Design, DesignError, design_from, design_from_toml
from review_db.studies.items.material import Material, bundle_material
from review_db.studies.lifecycle import create_study

CONTROLS = {
    "wrong_statement": "Prototypes under a wrong statement",
    "random_window": "Random windows of ECGs with the statement",
    "noise": "Noise-degraded copies",
}
BLINDING = {
    "statement": "the statement",
    "similarity": "how alike the model finds them",
    "reviewers": "what other reviewers said",
    "model": "the model's name",
}
HIDING = {
    "statement": "Reviewers then say what they see; a second look shows the statement.",
    "similarity": "Of a patient's window and a prototype; a number that could lead the eye.",
    "reviewers": "Else each reviewer sees what the others said of an item.",
    "model": "And whose explanation is whose, where two are compared.",
}
PREVIEWED = "study previewed"
NO_NAME = "The study has no name yet. Give it one: letters, digits and _ . - alone."
USUAL_NOISY = 3


@dataclass(frozen=True)
class Preset:
    """What a form begins with, for one kind of study.

    `prototypes` is whether any are rated, `cases` what the file of cases has to hold.
    """

    about: str
    prototypes: bool = True
    practice: int = 3
    blind: bool = False
    cases: str = ""


PRESETS = {
    "Rate prototypes": Preset(
        "Are the prototypes good examples of their statements? Each is rated by itself, some of "
        "them twice, among controls that should score badly."
    ),
    "Blinded reading": Preset(
        "Do calls and prototypes help to read ECGs? Each ECG is read alone, with calls, and with "
        "prototypes, in sessions some time apart.",
        prototypes=False,
        practice=0,
        blind=True,
        cases="readings",
    ),
    "Compare two models": Preset(
        "Which of two models explains better? Two explanations of a case side by side, without "
        "saying whose they are.",
        prototypes=False,
        practice=0,
        cases="pairs",
    ),
}


def show(engine: Engine, bundle: PrototypeSet) -> None:
    """Ask for a study's design, show what it would be, and make the study."""
    st.caption(f"Of the prototypes of {words.plain(bundle.name)}; choose the model above.")
    with st.expander("From a TOML file"):
        file = st.file_uploader("Settings (TOML)", type="toml", max_upload_size=uploads.STUDY_MB)
        cases = _cases("with the file")
        content = file.getvalue() if file is not None else b""
        if st.button("Make the study of this file", disabled=file is None):
            _create(engine, bundle, lambda: design_from_toml(_text(content)), cases)
    name = choices.one_of("Kind of study", list(PRESETS), key="preset")
    preset = PRESETS[name]
    st.write(preset.about)
    with st.form(f"new study {name}"):
        settings = _form(bundle, preset)
        cases = _cases("with the form", preset.cases)
        with st.container(horizontal=True):
            made = st.form_submit_button("Make the study", type="primary")
            looked = st.form_submit_button("Preview")
    if (made or looked) and not settings["name"]:
        st.error(NO_NAME, icon=":material/error:")
        st.session_state.pop(PREVIEWED, None)
    elif made:
        _create(engine, bundle, lambda: design_from(settings), cases)
        st.session_state.pop(PREVIEWED, None)
    elif looked:
        st.session_state[PREVIEWED] = settings, cases
    if PREVIEWED in st.session_state:
        _preview(bundle, *st.session_state[PREVIEWED])


def _preview(bundle: PrototypeSet, settings: dict[str, object], cases: bytes | None) -> None:
    try:
        preview.show(design_from(settings), _material(bundle, cases), bundle)
    except DesignError as error:
        st.error(words.plain(str(error)), icon=":material/error:")


def _cases(key: str, needed: str = "") -> bytes | None:
    file = st.file_uploader(
        f"Cases (JSON) with {needed}" if needed else "Cases (JSON), if any",
        type="json",
        max_upload_size=uploads.STUDY_MB,
        key=f"cases {key}",
        help="Patients' ECGs with their matches, pairs of explanations, and ECGs to read, as "
        "`python -m training cases` draws them.",
    )
    return file.getvalue() if file is not None else None


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DesignError(f"The study's settings are no UTF-8 text: {error}.") from error


def _form(bundle: PrototypeSet, preset: Preset) -> dict[str, object]:
    left, middle, right = st.columns(3, gap="large")
    with left:
        settings = _about()
    with middle:
        sample, settings["practice"], settings["repeats"] = _sample(bundle, preset)
        settings["allocation"] = _blocks()
    with right:
        controls = _controls(bundle) if preset.prototypes else {}
        settings["two_stages"] = preset.prototypes and st.checkbox(
            "Two looks: rate, see what was hidden, rate again",
            help="Needs something that is hidden at the first look.",
        )
        settings["summaries"] = preset.prototypes and st.checkbox(
            "Ask for best and bad prototypes of each statement",
            value=True,
            help="Once all prototypes of a statement were rated.",
        )
        usual = {"similarity", "reviewers", "model"} | ({"statement"} if preset.blind else set())
        blinding = {
            key: st.checkbox(f"Hide {what}", value=key in usual, help=HIDING[key])
            for key, what in BLINDING.items()
        }
    if preset.cases == "readings":
        settings |= declared.ask()
    return {**settings, "sample": sample, "controls": controls, "blinding": blinding}


def _about() -> dict[str, object]:
    name = st.text_input("Name", placeholder="pilot", help="Letters, digits and _ . -")
    title = st.text_input("Title, as reviewers read it")
    reviewers = st.text_area(
        "Reviewers' codes",
        placeholder="R01 R02 R03",
        height=68,
        help="Codes, not names. Each gets a key at the start; more can be added later.",
    )
    instructions = st.text_area("Instructions", height=68, help="Read before the first item.")
    consent = st.text_area(
        "Consent", height=68, help="What reviewers agree to before they begin; none, if empty."
    )
    seed = st.number_input("Seed", 0, value=1, help="The same seed draws the same study.")
    test = st.checkbox("A test run", help="It may be deleted with its answers.")
    return {
        "name": name.strip(),
        "title": title.strip(),
        "reviewers": reviewers.replace(",", " ").split(),
        "instructions": instructions.strip(),
        "consent": consent.strip(),
        "seed": seed,
        "test": test,
    }


def _sample(bundle: PrototypeSet, preset: Preset) -> tuple[dict[str, object], int, float]:
    if not preset.prototypes:
        st.write("What is asked about are the cases of the file below; no prototype is rated.")
        return {"cases_only": True}, 0, 0.0
    branches = st.multiselect(
        "Branches", sorted({p.branch for p in bundle.prototypes}), help="All, if none is chosen."
    )
    codes = sorted({p.statement for p in bundle.prototypes})
    statements = st.multiselect(
        "Statements", codes, format_func=bundle.labels.named, help="All, if none is chosen."
    )
    size = st.number_input(
        "Prototypes (0 for all)",
        0,
        len(bundle.prototypes),
        0,
        help="Drawn at random. Of all, those stay out that practice and controls show.",
    )
    stratify = st.selectbox(
        "Spread evenly over", STRATA, help="So that no statement has many and another none."
    )
    practice = st.number_input(
        "Practice items", 0, value=preset.practice, help="They come first and don't count."
    )
    repeats = st.slider(
        "Repeats, %", 0, 50, 12, help="Rated twice, to see how far reviewers agree with themselves."
    )
    sample = {"branches": branches, "statements": statements, "size": size, "stratify": stratify}
    return sample, practice, repeats / 100


def _blocks() -> dict[str, object]:
    each = st.number_input(
        "Reviewers of each item (0: all)",
        0,
        value=0,
        help="With many items: all meet an anchor, and each of the others is met by so many of "
        "the reviewers, by turns. Practice and controls are met by all.",
    )
    anchor = st.number_input(
        "Anchor, %", 0, 100, 30, help="Share of the items that all meet, where not all meet all."
    )
    return {"anchor": anchor / 100, "reviewers_each": each}


def _controls(bundle: PrototypeSet) -> dict[str, float]:
    # Of a small set each prototype that is held back for a control would be missed.
    usual = {"noise": min(USUAL_NOISY, len(bundle.prototypes) // 20)}
    controls: dict[str, float] = {
        key: st.number_input(
            what,
            0,
            value=usual.get(key, 0),
            help="They should score badly. Preview says how many can be had.",
        )
        for key, what in CONTROLS.items()
    }
    controls["noise_snr_db"] = st.number_input(
        "Signal to noise, dB", -20.0, 40.0, 0.0, help="Of noise-degraded copies; lower is noisier."
    )
    return controls


def _create(
    engine: Engine, bundle: PrototypeSet, planned: Callable[[], Design], cases: bytes | None
) -> None:
    try:
        made = create_study(engine, planned(), _material(bundle, cases))
    except DesignError as error:
        st.error(words.plain(str(error)), icon=":material/error:")
        return
    st.success(
        f"{words.plain(made.design.name)} is made, with {made.items} items. Start it under "
        "“Studies”.",
        icon=":material/check_circle:",
    )


def _material(bundle: PrototypeSet, cases: bytes | None) -> Material:
    if cases is None:
        return bundle_material(bundle.path)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "cases.json"
        file.write_bytes(cases)
        return bundle_material(bundle.path, file)
