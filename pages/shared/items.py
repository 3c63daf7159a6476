"""The pictures of a study's items; nothing that tells what is hidden is named or printed.

Keys of elements stand in the browser's page, so they name an item's place, never its content.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Any

import streamlit as st

from pages.shared import drawing, frame, models, words
from protoecg.bundle import Bundle
from protoecg.ecg import ECG, ECGError
from protoecg.explanation import Prototype
from protoecg.figures.paper import Window
from protoecg.figures.theme import THEMES
from protoecg.figures.view import View
from protoecg.noise import with_noise
from protoecg.waveforms import WaveformUnavailable
from review_db.sittings import OpenItem


def show(item: OpenItem, bundle: Bundle, view: View) -> bool:
    """Draw an item; where its ECG cannot be had, say so and return False."""
    key = f"item {item.place.position} {item.place.stage}"
    try:
        if item.kind == "match":
            _match(item.draw, bundle, view, key)
        elif item.kind == "pair":
            _pair(item.draw, bundle, view, key)
        elif item.kind == "reading":
            given = item.draw.get("explanation", {"matches": []})
            _explained(_ecg(item.draw["ecg"], bundle), given, bundle, key, view=view)
        elif item.kind == "statement":
            _several(item.draw["prototypes"], bundle, view, key)
        else:
            _window(_ecg(item.draw["ecg"], bundle, item.draw.get("noise")), item, view, key)
    except (WaveformUnavailable, ECGError, KeyError):
        # The reason would name the record, which may tell what is hidden.
        st.warning(
            "The picture of this item is missing: its ECG is not on this machine, or cannot be "
            "read. Skip the item, and tell the study's coordinator.",
            icon=":material/image:",
        )
        return False
    return True


def letters(draw: Mapping[str, Any]) -> dict[str, str]:
    """Return the letter that each prototype of a statement is shown under, by its name."""
    names = [prototype["name"] for prototype in draw["prototypes"]]
    return {name: _letter(n) for n, name in enumerate(names)}


def _letter(n: int) -> str:
    return ascii_uppercase[n] if n < len(ascii_uppercase) else str(n + 1)


def _window(ecg: ECG, item: OpenItem, view: View, key: str) -> None:
    drawing.show_ecg(ecg, [_marked(item.draw["ecg"])], key=key, view=view)


def _match(draw: Mapping[str, Any], bundle: Bundle, view: View, key: str) -> None:
    patient, prototype = _ecg(draw["ecg"], bundle), _ecg(draw["prototype"], bundle)
    own = Window(*draw["window_s"], "patient", THEMES[frame.theme()].prototype)
    with st.container(key="pair"):
        left, right = st.columns(2)
    half = {"view": view, "width_px": drawing.HALF_PX}
    with left:
        st.markdown("**The patient's ECG**")
        drawing.show_ecg(patient, [own], key=f"{key} patient", **half)
    with right:
        st.markdown("**The prototype's ECG**")
        drawing.show_ecg(prototype, [_marked(draw["prototype"])], key=f"{key} prototype", **half)
    drawing.show_comparison(
        patient,
        tuple(draw["window_s"]),
        prototype,
        tuple(draw["prototype"]["window_s"]),
        view=view,
        labels=("patient", "prototype"),
        key=f"{key} both",
    )


def _pair(draw: Mapping[str, Any], bundle: Bundle, view: View, key: str) -> None:
    ecg = _ecg(draw["ecg"], bundle)
    with st.container(key="pair"):
        columns = st.columns(2)
    for side, column in zip(("left", "right"), columns, strict=True):
        with column:
            st.markdown(f"**The {side} explanation**")
            half = {"view": view, "width_px": drawing.HALF_PX}
            _explained(ecg, draw[side], bundle, f"{key} {side}", **half)


def _explained(
    ecg: ECG, explanation: Mapping[str, Any], bundle: Bundle, key: str, **printed: Any
) -> None:
    """Draw a patient's ECG, its matched windows marked, and the prototypes of the matches."""
    matches = list(enumerate(explanation["matches"], start=1))
    windows = [Window(*match["window_s"], f"match {n}") for n, match in matches]
    drawing.show_ecg(ecg, windows, key=key, **printed)
    for n, match in matches:
        named = f": {words.named(match['statement'])}" if "statement" in match else ""
        st.markdown(f"**The prototype of match {n}{named}**")
        prototype = match["prototype"]
        own = [_marked(prototype)]
        drawing.show_ecg(_ecg(prototype, bundle), own, key=f"{key} {n}", **printed)


def _several(prototypes: Sequence[Mapping[str, Any]], bundle: Bundle, view: View, key: str) -> None:
    for n, prototype in enumerate(prototypes):
        st.markdown(f"**Prototype {_letter(n)}**")
        windows = [_marked(prototype)]
        drawing.show_ecg(_ecg(prototype, bundle), windows, key=f"{key} {n}", view=view)


def _marked(ecg: Mapping[str, Any]) -> Window:
    return Window(*ecg["window_s"], "prototype", THEMES[frame.theme()].prototype)


def _ecg(place: Mapping[str, Any], bundle: Bundle, noise: Mapping[str, Any] | None = None) -> ECG:
    """Return an ECG without its source, with the noise that a control item carries."""
    record = Prototype(
        name="",
        branch="",
        statement="",
        record=place["record"],
        window_s=(0.0, 10.0),
        statements=(),
        patient="",
        age=None,
        sex=None,
        sha256=place["sha256"],
    )
    ecg = models.waveforms(bundle).load(record)
    ecg = ECG(ecg.signal, ecg.rate)
    return with_noise(ecg, **noise) if noise else ecg
