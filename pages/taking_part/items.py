"""The pictures of a study's items; nothing that tells what is hidden is named or printed.

Keys of elements stand in the browser's page, so they name an item's place, never its content.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from string import ascii_uppercase
from typing import Any

import streamlit as st

from pages.ecg import drawing
from pages.shell import frame, source_ecgs, words
from protoecg.bundle import Bundle
from protoecg.ecg import ECG, ECGError
from protoecg.figures.paper import Window
from protoecg.figures.theme import THEMES
from protoecg.noise import with_noise
from protoecg.prototypes.prototype import SourceECG
from protoecg.prototypes.waveforms import WaveformUnavailable
from protoecg.sheet.view import View
from review_db.sessions.sessions import OpenItem

ECGs = Mapping[str, ECG]


def name(item: OpenItem) -> str:
    """Name an item's pictures; only a reading has others at its second look."""
    return f"item {item.place.position} {item.place.stage if item.kind == 'reading' else 1}"


def load(item: OpenItem, bundle: Bundle) -> ECGs:
    """Return an item's ECGs by record; where one cannot be had, say so and return none."""
    try:
        return {place["record"]: _ecg(place, bundle) for place in _places(item.draw)}
    except (WaveformUnavailable, ECGError, KeyError):
        # The reason would name the record, which may tell what is hidden.
        st.warning(
            "The picture of this item is missing: its ECG is not on this machine, or cannot be "
            "read. Skip the item, and tell the study's coordinator.",
            icon=":material/image:",
        )
        return {}


def show(item: OpenItem, ecgs: ECGs, view: View) -> None:
    """Draw an item."""
    key, draw = name(item), item.draw
    if item.kind == "match":
        _match(draw, ecgs, view, key)
    elif item.kind == "pair":
        _pair(draw, ecgs, view, key)
    elif item.kind == "reading":
        _explained(draw["ecg"], draw.get("explanation", {"matches": []}), ecgs, key, view=view)
    elif item.kind == "statement":
        _several(draw["prototypes"], ecgs, view, key)
    else:
        _window(draw, ecgs, view, key)


def beliefs(item: OpenItem, bundle: Bundle) -> list[str]:
    """Say what is known of the labels of an item's prototypes, unless their statement is hidden."""
    # A report names the statement, and perhaps what the study asks.
    statement = item.facts.get("statement")
    if statement is None or item.kind not in ("prototype", "match"):
        return []
    records = {place["record"] for place in _places(item.draw)}
    own = [p for p in bundle.prototypes if p.statement == statement and p.record in records]
    return [known for prototype in own if (known := drawing.belief(prototype))]


def letters(draw: Mapping[str, Any]) -> dict[str, str]:
    """Return the letter that each prototype of a statement is shown under, by its name."""
    names = [prototype["name"] for prototype in draw["prototypes"]]
    return {name: _letter(n) for n, name in enumerate(names)}


def _letter(n: int) -> str:
    return ascii_uppercase[n] if n < len(ascii_uppercase) else str(n + 1)


def _window(draw: Mapping[str, Any], ecgs: ECGs, view: View, key: str) -> None:
    ecg = ecgs[draw["ecg"]["record"]]
    if noise := draw.get("noise"):
        ecg = with_noise(ecg, **noise)
    drawing.show_ecg(ecg, [_marked(draw["ecg"])], key=key, view=view)


def _match(draw: Mapping[str, Any], ecgs: ECGs, view: View, key: str) -> None:
    patient, prototype = (ecgs[draw[whose]["record"]] for whose in ("ecg", "prototype"))
    own = _marked(draw, "patient")
    with st.container(key=f"pair {key}"):
        left, right = st.columns(2)
    half: dict[str, Any] = {"view": view, "width_px": drawing.HALF_PX}
    with left:
        st.markdown("**The patient's ECG**")
        drawing.show_ecg(patient, [own], key=f"{key} patient", **half)
    with right:
        st.markdown("**The prototype's ECG**")
        drawing.show_ecg(prototype, [_marked(draw["prototype"])], key=f"{key} prototype", **half)
    drawing.show_comparison(
        patient,
        _seconds(draw),
        prototype,
        _seconds(draw["prototype"]),
        view=view,
        labels=("patient", "prototype"),
        key=f"{key} both",
    )


def _pair(draw: Mapping[str, Any], ecgs: ECGs, view: View, key: str) -> None:
    with st.container(key=f"pair {key}"):
        columns = st.columns(2)
    for side, column in zip(("left", "right"), columns, strict=True):
        with column:
            st.markdown(f"**The {side} explanation**")
            half = {"view": view, "width_px": drawing.HALF_PX}
            _explained(draw["ecg"], draw[side], ecgs, f"{key} {side}", **half)


def _explained(
    place: Mapping[str, Any], explanation: Mapping[str, Any], ecgs: ECGs, key: str, **printed: Any
) -> None:
    """Draw a patient's ECG, its matched windows marked, and the prototypes of the matches."""
    matches = list(enumerate(explanation["matches"], start=1))
    windows = [Window(*_seconds(match), f"match {n}") for n, match in matches]
    drawing.show_ecg(ecgs[place["record"]], windows, key=key, **printed)
    for n, match in matches:
        named = f": {words.named(match['statement'])}" if "statement" in match else ""
        st.markdown(f"**The prototype of match {n}{named}**")
        prototype = match["prototype"]
        own = [_marked(prototype)]
        drawing.show_ecg(ecgs[prototype["record"]], own, key=f"{key} {n}", **printed)


def _several(prototypes: Sequence[Mapping[str, Any]], ecgs: ECGs, view: View, key: str) -> None:
    for n, prototype in enumerate(prototypes):
        st.markdown(f"**Prototype {_letter(n)}**")
        windows = [_marked(prototype)]
        drawing.show_ecg(ecgs[prototype["record"]], windows, key=f"{key} {n}", view=view)


def _marked(of: Mapping[str, Any], label: str = "prototype") -> Window:
    return Window(*_seconds(of), label, THEMES[frame.theme()].prototype)


def _seconds(of: Mapping[str, Any]) -> tuple[float, float]:
    start_s, end_s = of["window_s"]
    return start_s, end_s


def _places(draw: Any) -> Iterator[Mapping[str, Any]]:
    """Find what names an ECG, anywhere in what an item is drawn from."""
    if isinstance(draw, Mapping):
        if "record" in draw:
            yield draw
        draw = list(draw.values())
    if isinstance(draw, list):
        for part in draw:
            yield from _places(part)


def _ecg(place: Mapping[str, Any], bundle: Bundle) -> ECG:
    """Return an ECG without its source."""
    record = SourceECG(
        name="",
        record=place["record"],
        window_s=(0.0, 10.0),
        statements=(),
        patient="",
        age=None,
        sex=None,
        sha256=place["sha256"],
    )
    ecg = source_ecgs.waveforms(bundle).load(record)
    return ECG(ecg.signal, ecg.rate)
