"""The matches that a finding rests on: one is chosen, and what it adds is put in words."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.ecg import drawing
from pages.explanation.explained import ExplainedECG
from pages.shell import frame, words
from protoecg import wording
from protoecg.bundle import Bundle
from protoecg.ecg import ECG
from protoecg.explain import without_leads
from protoecg.explanation import Finding, Match
from protoecg.figures.paper import Window
from protoecg.sheet.colours import THEMES

TOP, SWITCHES = 5, 12
LEADS_NAMED, SMALLEST_FALL = 3, 0.005


def strongest(finding: Finding) -> list[Match]:
    """Return the strongest matches for the finding or, if chosen, against it."""
    sides = {
        "for": [match for match in finding.matches if match.contribution > 0],
        "against": [match for match in reversed(finding.matches) if match.contribution < 0],
    }
    offered = [side for side, matches in sides.items() if matches]
    side = st.segmented_control(
        "Prototypes that speak",
        offered,
        default=offered[0],
        required=True,
        format_func=lambda side: f"{side} it",
        key="evidence",
        bind="query-params",
        help=f"{words.PROTOTYPE} {words.CONTRIBUTION}",
    )
    return sides[side][:TOP] if side in offered else sides[offered[0]][:TOP]


def choose(offered: list[Match]) -> Match:
    """Ask which match is looked at; the URL holds the choice."""
    by_name = {match.prototype.name: match for match in offered}
    chosen = st.query_params.get("match")
    st.session_state["match choice"] = chosen if chosen in by_name else next(iter(by_name))
    numbers = {name: number for number, name in enumerate(by_name, start=1)}
    name = st.radio(
        "Match",
        list(by_name),
        captions=[f"adds {wording.signed(match.contribution)}" for match in offered],
        format_func=lambda name: f"**{numbers[name]}** · {words.plain(name)}",
        key="match choice",
        on_change=_take,
        horizontal=True,
        label_visibility="collapsed",
    )
    return by_name[name]


def _take() -> None:
    st.query_params["match"] = st.session_state["match choice"]


def windows(finding: Finding, offered: list[Match], chosen: Match) -> list[Window]:
    """Return the finding's matches, the strongest first after those offered; one is shown."""
    own_colour = THEMES[frame.theme()].prototype
    names = {match.prototype.name: f"match {n}" for n, match in enumerate(offered, start=1)}
    others = sorted(
        (other for other in finding.speaking if other.prototype.name not in names),
        key=lambda other: -abs(other.contribution),
    )
    return [
        Window(
            *each.window_s,
            names.get(each.prototype.name, each.prototype.name.partition("-")[2]),
            own_colour if each is chosen else None,
            shown=each is chosen,
        )
        for each in [*offered, *others][:SWITCHES]
    ]


def describe(now: ExplainedECG, bundle: Bundle, match: Match) -> None:
    """Say what a match adds, what is known of its prototype, and which leads made it."""
    prototype = match.prototype
    st.markdown(
        f"A prototype of **{words.named(prototype.statement)}**: similarity "
        f"**{wording.signed(match.similarity)}** × weight {wording.signed(match.weight)} = "
        f"contribution **{wording.signed(match.contribution)}**",
        help=f"Similarity: {words.SIMILARITY} Contribution: {words.CONTRIBUTION}",
    )
    lines = [drawing.provenance(prototype), drawing.other_statements(prototype)]
    if prototype.branch != "morphology":
        lines.append(words.BRANCHES[prototype.branch])
    st.caption(" · ".join(lines))
    if known := drawing.belief(prototype):
        st.caption(known)
    if match.lead_parts:
        _lead_shares(match)
    else:
        _lead_falls(_falls(now.key, bundle.path, bundle.revision, match, now.ecg, bundle))


@st.cache_data(max_entries=256, show_spinner=False)
def _falls(
    key: str, path: Path, revision: str, match: Match, _ecg: ECG, _bundle: Bundle
) -> dict[str, float]:
    return without_leads(_ecg, _bundle, match)


def _lead_shares(match: Match) -> None:
    shares = list(match.lead_shares.items())
    if not shares:
        st.caption("The similarity is next to zero: no lead has a share of it worth naming.")
        return
    largest, others = shares[:LEADS_NAMED], shares[LEADS_NAMED:]
    named = ", ".join(f"**{wording.share(share)} {lead}**" for lead, share in largest)
    st.caption(
        f"Of the similarity, {named}; the other {len(others)} leads together "
        f"{wording.share(sum(share for _, share in others))}",
        help=words.LEAD_SHARES,
    )


def _lead_falls(falls: dict[str, float]) -> None:
    largest = sorted(falls.items(), key=lambda fall: -fall[1])[:LEADS_NAMED]
    named = [
        f"**{lead}** {wording.signed(-fall)}" for lead, fall in largest if fall >= SMALLEST_FALL
    ]
    st.caption(
        f"Leads that matter most to this match, each silenced in turn: "
        f"{', '.join(named) or 'none by itself'}",
        help=words.LEADS,
    )
