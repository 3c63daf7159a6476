"""The cases of a finding: one is chosen, some are switched off, and the URL holds which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from pages.explanation import neighbours
from pages.explanation.explained import ExplainedECG
from pages.shell import words
from protoecg.bundle import Bundle
from protoecg.explanation import Finding, Match
from protoecg.prototypes.prototype import SourceECG

FOR, AGAINST, NEAREST = "for", "against", "nearest"
KINDS = {
    FOR: "Looks like",
    AGAINST: "Against",
    NEAREST: "Nearest of all",
}
OFF = "without"
# What adds less is printed as zero.
SMALLEST = 0.005


@dataclass(frozen=True)
class Case:
    """A real ECG beside this one.

    Parameters
    ----------
    source : the ECG, and the window of it
    window_s : the window of this ECG that it is compared with, seconds
    match : its part in the finding; None of a training ECG that decides nothing
    """

    source: SourceECG
    window_s: tuple[float, float]
    match: Match | None = None


@dataclass(frozen=True)
class Cases:
    """The cases of one kind, and the place of the one that is looked at."""

    kind: str
    kinds: tuple[str, ...]
    offered: tuple[Case, ...]
    at: int = 0

    @property
    def case(self) -> Case | None:
        """The case that is looked at; None where there is none of the kind."""
        return self.offered[self.at] if self.offered else None


def chosen(now: ExplainedECG, bundle: Bundle, finding: Finding) -> Cases:
    """Return the cases that the URL names, else those that speak for the finding."""
    found = {
        FOR: [match for match in finding.matches if match.contribution >= SMALLEST],
        AGAINST: [m for m in reversed(finding.matches) if m.contribution <= -SMALLEST],
    }
    kinds = tuple(kind for kind, matches in found.items() if matches)
    if not kinds:
        return Cases(FOR, (), ())
    kinds = (*kinds, NEAREST)
    asked = st.query_params.get("evidence")
    kind = asked if asked in kinds else kinds[0]
    if kind == NEAREST:
        offered = _nearest(now, bundle, finding)
    else:
        offered = [Case(match.prototype, match.window_s, match) for match in found[kind]]
    names = [case.source.name for case in offered]
    name = st.query_params.get("match")
    return Cases(kind, kinds, tuple(offered), names.index(name) if name in names else 0)


def _nearest(now: ExplainedECG, bundle: Bundle, finding: Finding) -> list[Case]:
    match = max(finding.speaking, key=lambda match: match.contribution)
    found = neighbours.found(now.key, now.ecg, bundle, match)
    return [Case(neighbour, match.window_s) for neighbour in found]


def choose(cases: Cases) -> None:
    """Offer the kinds of cases, and the previous and the next one."""
    st.session_state["evidence"] = cases.kind
    with st.container(horizontal=True, vertical_alignment="center"):
        st.segmented_control(
            "Cases",
            cases.kinds,
            format_func=KINDS.__getitem__,
            required=True,
            key="evidence",
            on_change=_take_kind,
            label_visibility="collapsed",
            help=words.PROTOTYPE,
        )
        if len(cases.offered) > 1:
            _step("Previous case", ":material/chevron_left:", cases, -1)
            _step("Next case", ":material/chevron_right:", cases, 1)
        if cases.case:
            st.markdown(f"Case {cases.at + 1} of {len(cases.offered)}", width="content")
            if cases.case.match:
                _switch(cases.case.source.name)


def _step(label: str, icon: str, cases: Cases, by: int) -> None:
    to = cases.at + by
    is_there = 0 <= to < len(cases.offered)
    st.button(
        label,
        icon=icon,
        disabled=not is_there,
        on_click=_take,
        args=(cases.offered[to].source.name if is_there else "",),
    )


def _take(name: str) -> None:
    st.query_params["match"] = name


def _take_kind() -> None:
    st.query_params["evidence"] = st.session_state["evidence"]
    st.query_params.pop("match", None)


def switched_off(finding: Finding) -> list[str]:
    """Return the cases of a finding that the URL says are not counted."""
    names = {match.prototype.name for match in finding.speaking}
    return [name for name in st.query_params.get_all(OFF) if name in names]


def count_all() -> None:
    """Count every case again."""
    st.query_params.pop(OFF, None)


def _switch(name: str) -> None:
    """Let a case be left out, which only supposes: what is found stays."""
    key = f"counts {name}"
    st.session_state[key] = name not in st.query_params.get_all(OFF)
    st.toggle(
        "Counts",
        key=key,
        on_change=_switched,
        args=(name, key),
        help="Switched off, it is left out, and what would then be found is said below.",
    )


def _switched(name: str, key: str) -> None:
    others: Sequence[str] = [one for one in st.query_params.get_all(OFF) if one != name]
    st.query_params[OFF] = [*others, *([] if st.session_state[key] else [name])]
