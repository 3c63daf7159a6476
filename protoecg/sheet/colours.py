"""Colours of the paper and of all that is drawn, for a light and a dark page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ThemeName = Literal["light", "dark"]


@dataclass(frozen=True)
class Theme:
    """Colours of one page theme; the accents are told apart by colour-blind readers."""

    paper: str
    small_squares: str
    large_squares: str
    ink: str
    faint_ink: str
    query: str
    prototype: str
    evidence_for: str
    evidence_against: str
    neutral: str
    rule: str
    accents: tuple[str, ...]
    scores: tuple[str, str, str, str, str]


LIGHT = Theme(
    paper="#fffafa",
    small_squares="#f9e1df",
    large_squares="#eeb4b0",
    ink="#16181d",
    faint_ink="#5b5f68",
    query="#16181d",
    prototype="#0072b2",
    evidence_for="#0072b2",
    evidence_against="#d55e00",
    neutral="#8a8f99",
    rule="#d5d8de",
    accents=("#0072b2", "#9a5b00", "#007a5a", "#8f3f97", "#c0392b", "#4b4fc4"),
    scores=("#c65100", "#f3b27a", "#c9ccd2", "#86bce0", "#0065a3"),
)

DARK = Theme(
    paper="#14161b",
    small_squares="#251f24",
    large_squares="#4a353b",
    ink="#f0f1f4",
    faint_ink="#a6abb5",
    query="#f0f1f4",
    prototype="#56b4e9",
    evidence_for="#56b4e9",
    evidence_against="#f0903c",
    neutral="#8a8f99",
    rule="#3a3e47",
    accents=("#56b4e9", "#e69f00", "#2fc49a", "#d98fdc", "#ff8a75", "#a3a8ff"),
    scores=("#e8741e", "#a8693a", "#5a5e67", "#3d7ba6", "#56b4e9"),
)

THEMES: dict[ThemeName, Theme] = {"light": LIGHT, "dark": DARK}


def translucent(colour: str, alpha: float) -> str:
    """Return a `#rrggbb` colour as `rgba(...)`."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{alpha:g})"
