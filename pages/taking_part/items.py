"""The pictures of a study's items; nothing that tells what is hidden is named or printed.

Keys of elements stand in the browser's page, so they name an item's place, never its content.
"""

from __future__ import annotations

from collections.abc import Mapping
from string import ascii_uppercase
from typing import Any

import streamlit as st

from pages.ecg import calipers, cases, drawing, origin
from pages.shell import frame
from protoecg.ecg import ECG, ECGError
from protoecg.figures.paper import Window
from protoecg.labels import LabelSet, Statement
from protoecg.prototypes.sets import PrototypeSet
from protoecg.prototypes.waveforms import WaveformUnavailable
from protoecg.sheet.colours import THEMES
from protoecg.sheet.view import View
from protoecg.simulate.added_noise import with_noise
from review_db.sessions.sessions import OpenItem
from review_db.studies.items import (
    DifferentialContent,
    MatchContent,
    PrototypeContent,
    ReadingContent,
    ShownExplanation,
    SidesContent,
    SourceFile,
    SourceWindow,
    StatementContent,
)
from review_db.studies.items.pictures import Pictures, study_pictures

ECGs = Mapping[str, ECG]


def name(item: OpenItem) -> str:
    """Name an item's pictures; only a reading has others at its second look."""
    return f"item {item.at.position} {item.at.stage if item.kind == 'reading' else 1}"


def load(item: OpenItem, bundle: PrototypeSet) -> ECGs:
    """Return an item's ECGs by record; where one cannot be had, say so and return none."""
    try:
        pictures = _pictures(bundle.name, bundle.fingerprint)
        return {source.record: pictures.load(source) for source in item.content.sources}
    except (WaveformUnavailable, ECGError):
        # The reason would name the record, which may tell what is hidden.
        st.warning(
            "The picture of this item is missing: its ECG is not on this machine, or cannot be "
            "read. Skip the item, and tell the study's coordinator.",
            icon=":material/image:",
        )
        return {}


def show(item: OpenItem, ecgs: ECGs, view: View, labels: LabelSet) -> None:
    """Draw an item."""
    key, content = name(item), item.content
    if isinstance(content, MatchContent):
        _match(content, ecgs, view, key)
    elif isinstance(content, SidesContent):
        _sides(content, ecgs, view, key, labels)
    elif isinstance(content, ReadingContent):
        _explained(content.ecg, content.explanation, ecgs, key, labels, view=view)
    elif isinstance(content, DifferentialContent):
        _calls(content, labels)
        _explained(content.ecg, content.explanation, ecgs, key, labels, view=view)
    elif isinstance(content, StatementContent):
        _several(content, ecgs, view, key, _statement(item, labels))
    else:
        _window(content, ecgs, view, key, _statement(item, labels))


def _statement(item: OpenItem, labels: LabelSet) -> Statement | None:
    """Return the statement that an item is shown with, None where it is hidden."""
    return labels.get(item.facts.statement or "")


def beliefs(item: OpenItem, bundle: PrototypeSet) -> list[str]:
    """Say what is known of the labels of an item's prototypes, unless their statement is hidden."""
    # A report names the statement, and perhaps what the study asks.
    statement = item.facts.statement
    if statement is None or item.kind not in ("prototype", "match"):
        return []
    records = {source.record for source in item.content.sources}
    own = [p for p in bundle.prototypes if p.statement == statement and p.record in records]
    return [known for prototype in own if (known := origin.belief(prototype))]


def letters(content: StatementContent) -> dict[str, str]:
    """Return the letter that each prototype of a statement is shown under, by its name."""
    return {one.name: _letter(n) for n, one in enumerate(content.prototypes)}


def _letter(n: int) -> str:
    return ascii_uppercase[n] if n < len(ascii_uppercase) else str(n + 1)


def _window(
    content: PrototypeContent, ecgs: ECGs, view: View, key: str, statement: Statement | None
) -> None:
    ecg = ecgs[content.ecg.record]
    if noise := content.noise:
        ecg = with_noise(ecg, noise.snr_db, noise.seed)
    cases.show(ecg, content.ecg.window_s, statement, view=view, key=key)


def _match(content: MatchContent, ecgs: ECGs, view: View, key: str) -> None:
    patient, prototype = ecgs[content.ecg.record], ecgs[content.prototype.record]
    own = _marked(content, "patient")
    with st.container(key=f"pair {key}"):
        left, right = st.columns(2)
    half: dict[str, Any] = {"view": view, "width_px": drawing.HALF_PX}
    with left:
        st.markdown("**The patient's ECG**")
        calipers.draw_ecg(patient, [own], key=f"{key} patient", **half)
    with right:
        st.markdown("**The prototype's ECG**")
        calipers.draw_ecg(prototype, [_marked(content.prototype)], key=f"{key} prototype", **half)
    drawing.show_comparison(
        patient,
        content.window_s,
        prototype,
        content.prototype.window_s,
        view=view,
        labels=("patient", "prototype"),
        key=f"{key} both",
    )


def _sides(content: SidesContent, ecgs: ECGs, view: View, key: str, labels: LabelSet) -> None:
    with st.container(key=f"pair {key}"):
        columns = st.columns(2)
    sides = {"left": content.left, "right": content.right}
    for place, (side, explanation), column in zip("12", sides.items(), columns, strict=True):
        with column:
            # On a narrow screen the second one stands below the first.
            st.markdown(f"**{place}. The {side} explanation**")
            half = {"view": view, "width_px": drawing.HALF_PX}
            _explained(content.ecg, explanation, ecgs, f"{key} {side}", labels, **half)


def _explained(
    ecg: SourceFile,
    explanation: ShownExplanation | None,
    ecgs: ECGs,
    key: str,
    labels: LabelSet,
    **printed: Any,
) -> None:
    """Draw a patient's ECG, its matched windows marked, and the prototypes of the matches."""
    matches = list(enumerate(explanation.matches if explanation else (), start=1))
    windows = [Window(*match.window_s, f"match {n}") for n, match in matches]
    calipers.draw_ecg(ecgs[ecg.record], windows, key=key, **printed)
    for n, match in matches:
        named = f": {labels.named(match.statement)}" if match.statement else ""
        st.markdown(f"**The prototype of match {n}{named}**")
        own = [_marked(match.prototype)]
        calipers.draw_ecg(ecgs[match.prototype.record], own, key=f"{key} {n}", **printed)


def _calls(content: DifferentialContent, labels: LabelSet) -> None:
    """Say what the model finds, where the arm shows it."""
    if content.calls is None:
        return
    called = [
        f"**{labels.named(call.statement)}**{_percent(call.probability)}" for call in content.calls
    ]
    st.markdown(f"The model finds: {', '.join(called) or 'nothing'}.")


def _percent(probability: float | None) -> str:
    return "" if probability is None else f" ({100 * probability:.0f} %)"


def _several(
    content: StatementContent, ecgs: ECGs, view: View, key: str, statement: Statement | None
) -> None:
    for n, prototype in enumerate(content.prototypes):
        st.markdown(f"**Prototype {_letter(n)}**")
        ecg = ecgs[prototype.record]
        cases.show(ecg, prototype.window_s, statement, view=view, key=f"{key} {n}")


def _marked(of: SourceWindow | MatchContent, label: str = "prototype") -> Window:
    return Window(*of.window_s, label, THEMES[frame.theme()].prototype)


# Bundles come and go but rarely, and each item asks.
@st.cache_resource(ttl=60, max_entries=8, show_spinner=False)
def _pictures(bundle: str, fingerprint: str) -> Pictures:
    return study_pictures(bundle, fingerprint)
