"""Explain: what the model finds in an ECG, and the prototypes that each finding rests on."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.ecg import arrangement, calipers, drawing, intervals, picking, tracing, warnings
from pages.explanation import downloads, earlier, neighbours, what_if
from pages.shell import frame, models, words
from protoecg.bundle import Bundle
from protoecg.ecg import ECG
from protoecg.explain import explain, without_leads
from protoecg.explanation import Explanation, Finding, Match, in_percent, percent, told_apart
from protoecg.figures.charts import contributions_figure, describe_contributions
from protoecg.figures.paper import Window
from protoecg.figures.theme import THEMES
from protoecg.sheet.view import View

TOP, SWITCHES = 5, 12
LEADS_TOLD, SMALLEST_FALL = 3, 0.005


def main() -> None:
    """Lay out the page."""
    frame.guard("Explain")
    bundle = models.choose()
    found = picking.picked()
    if found is None:
        _welcome()
        return
    key, ecg = found
    before = picking.picked(picking.EARLIER)
    now, then = _seen(found, bundle), _seen(before, bundle) if before else None
    explanation = now.explanation
    _heading(now, bundle, then)
    if st.session_state.get("measured"):
        intervals.show(key, ecg)
    finding = _choose_finding(explanation)
    if then and earlier.is_chosen():
        earlier.show(then, now, finding.code, bundle)
        return
    _show_finding(key, ecg, bundle, finding)
    if finding.speaking:
        what_if.show(explanation, finding)


def _welcome() -> None:
    st.header("Explain an ECG")
    st.write(
        "The model compares an ECG with prototypes: ECGs of its training data that each stand for "
        "a statement. You see what it finds, and the ECGs that every finding rests on."
    )
    picking.picker()


def _seen(picked: tuple[str, ECG], bundle: Bundle) -> earlier.Seen:
    key, ecg = picked
    return earlier.Seen(key, ecg, _explained(key, bundle.path, bundle.revision, ecg, bundle))


@st.cache_resource(max_entries=32, show_spinner="Reading the ECG")
def _explained(key: str, path: Path, revision: str, _ecg: ECG, _bundle: Bundle) -> Explanation:
    return explain(_ecg, _bundle)


def _heading(now: earlier.Seen, bundle: Bundle, then: earlier.Seen | None) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"#### {words.plain(now.ecg.source or 'ECG')}", width="stretch")
        models.badge(bundle)
        st.toggle("Measurements", key="measured", bind="query-params")
        with st.popover("Report", icon=":material/print:"):
            downloads.show(now, bundle, then)
        with st.popover("Another ECG", icon=":material/upload_file:"):
            if picking.EARLIER.named:
                st.caption("It could be another patient's: the earlier ECG is put away with it.")
            picking.picker()
        earlier.offer()
    warnings.show(now.explanation)


def _choose_finding(explanation: Explanation) -> Finding:
    by_code = {finding.code: finding for finding in explanation.findings}
    present = [finding.code for finding in explanation.findings if finding.present]
    absent = [finding.code for finding in explanation.findings if not finding.present]
    chosen = st.query_params.get("finding")
    if chosen not in by_code:
        chosen = explanation.findings[0].code
    # Two widgets, one choice: the URL holds it, and each shows it or nothing.
    st.session_state["present"] = chosen if chosen in present else None
    st.session_state["absent"] = chosen if chosen in absent else None
    with st.sidebar:
        st.subheader(f"Findings ({len(present)})", anchor=False)
        if explanation.abstains:
            st.markdown(":red[Not to be relied on: the model abstains.]")
        if present:
            st.radio(
                "Findings above their threshold",
                present,
                format_func=words.named,
                captions=[_caption(by_code[code]) for code in present],
                key="present",
                on_change=_take,
                args=("present",),
                label_visibility="collapsed",
            )
        else:
            st.caption("No statement reaches its threshold.")
        st.selectbox(
            f"Below threshold ({len(absent)})",
            absent,
            index=None,
            format_func=lambda code: f"{percent(by_code[code].probability)} · {words.named(code)}",
            placeholder="Look at another statement",
            key="absent",
            on_change=_take,
            args=("absent",),
        )
    return by_code[chosen]


def _take(widget: str) -> None:
    st.query_params["finding"] = st.session_state[widget]
    st.query_params.pop("match", None)


def _caption(finding: Finding) -> str:
    low = " · :orange[low evidence]" if finding.low_evidence else ""
    probability, threshold = told_apart(finding)
    return f"**{probability}** · threshold {threshold} · {finding.branch}{low}"


def _show_finding(key: str, ecg: ECG, bundle: Bundle, finding: Finding) -> None:
    _verdict(finding)
    if not finding.speaking:
        st.info("No prototype speaks for or against this statement: it rests on the bias alone.")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            view, measures = tracing.choose(), calipers.wanted()
        _tracing(key, ecg, [], view, measures)
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        tops = _strongest(finding)
        arranged, view, measures = arrangement.arranged(), tracing.choose(), calipers.wanted()
    match = _choose_match(tops)
    _facts(match)
    if match.lead_parts:
        _lead_shares(match)
    else:
        _lead_falls(_falls(key, bundle.path, bundle.revision, match, ecg, bundle))
    _pictures(key, ecg, bundle, match, _windows(finding, tops, match), arranged, view, measures)
    neighbours.show(key, ecg, bundle, finding, match, view)
    _chart(finding)


def _verdict(finding: Finding) -> None:
    st.markdown(f"### {words.named(finding.code)}")
    verdict = "present" if finding.present else "not present"
    probability, threshold = told_apart(finding)
    st.markdown(
        f"Probability **{probability}**: {verdict}, as the threshold is {threshold} · "
        f"{finding.branch} branch",
        help=words.BRANCHES[finding.branch],
    )
    if finding.low_evidence:
        st.warning(
            "Low evidence: too few ECGs with this statement were seen in validation to trust its "
            "probability and threshold.",
            icon=":material/warning:",
        )


def _strongest(finding: Finding) -> list[Match]:
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


def _choose_match(tops: list[Match]) -> Match:
    by_name = {match.prototype.name: match for match in tops}
    chosen = st.query_params.get("match")
    st.session_state["match choice"] = chosen if chosen in by_name else next(iter(by_name))
    numbers = {name: number for number, name in enumerate(by_name, start=1)}
    name = st.radio(
        "Match",
        list(by_name),
        captions=[f"adds {words.signed(match.contribution)}" for match in tops],
        format_func=lambda name: f"**{numbers[name]}** · {name}",
        key="match choice",
        on_change=_take_match,
        horizontal=True,
        label_visibility="collapsed",
    )
    return by_name[name]


def _take_match() -> None:
    st.query_params["match"] = st.session_state["match choice"]


def _facts(match: Match) -> None:
    prototype = match.prototype
    st.markdown(
        f"A prototype of **{words.named(prototype.statement)}**: similarity "
        f"**{words.signed(match.similarity)}** × weight {words.signed(match.weight)} = "
        f"contribution **{words.signed(match.contribution)}**",
        help=f"Similarity: {words.SIMILARITY} Contribution: {words.CONTRIBUTION}",
    )
    lines = [drawing.provenance(prototype), drawing.other_statements(prototype)]
    if prototype.branch != "morphology":
        lines.append(words.BRANCHES[prototype.branch])
    st.caption(" · ".join(lines))


@st.cache_data(max_entries=256, show_spinner=False)
def _falls(
    key: str, path: Path, revision: str, match: Match, _ecg: ECG, _bundle: Bundle
) -> dict[str, float]:
    return without_leads(_ecg, _bundle, match)


def _lead_shares(match: Match) -> None:
    shares = match.lead_shares
    told = list(shares.items())[:LEADS_TOLD]
    if not told:
        st.caption("The similarity is next to zero: no lead has a share of it worth telling.")
        return
    named = ", ".join(f"**{in_percent(share)} {lead}**" for lead, share in told)
    others = sum(list(shares.values())[LEADS_TOLD:])
    st.caption(
        f"Of the similarity, {named}; the other {len(shares) - LEADS_TOLD} leads together "
        f"{in_percent(others)}",
        help=words.LEAD_SHARES,
    )


def _lead_falls(falls: dict[str, float]) -> None:
    largest = sorted(falls.items(), key=lambda fall: -fall[1])[:LEADS_TOLD]
    told = [f"**{lead}** {words.signed(-fall)}" for lead, fall in largest if fall >= SMALLEST_FALL]
    st.caption(
        f"Leads that matter most to this match, each silenced in turn: "
        f"{', '.join(told) or 'none by itself'}",
        help=words.LEADS,
    )


def _tracing(
    key: str,
    ecg: ECG,
    windows: list[Window],
    view: View,
    measures: bool,
    width_px: int = drawing.PAGE_PX,
) -> None:
    if measures:
        calipers.show_ecg(key, ecg, windows, name="query", view=view, width_px=width_px)
    else:
        drawing.show_ecg(ecg, windows, key="query", view=view, width_px=width_px)


def _pictures(
    key: str,
    ecg: ECG,
    bundle: Bundle,
    match: Match,
    windows: list[Window],
    arranged: str,
    view: View,
    measures: bool,
) -> None:
    source = models.source_ecg(bundle, match.prototype)
    if source is None:
        st.markdown("**This ECG**")
        _tracing(key, ecg, windows, view, measures)
        return
    left, right, width_px = arrangement.places(arranged)
    with left:
        st.markdown("**This ECG**")
        _tracing(key, ecg, windows, view, measures, width_px)
    with right:
        st.markdown("**The prototype's ECG**")
        own = [drawing.prototype_window(match.prototype)]
        drawing.show_ecg(source, own, key="source", view=view, width_px=width_px)
    drawing.show_comparison(
        ecg,
        match.window_s,
        source,
        match.prototype.window_s,
        view=view,
        labels=("this ECG", "prototype"),
        lead_shares=match.lead_shares,
        key="comparison",
    )


def _windows(finding: Finding, tops: list[Match], match: Match) -> list[Window]:
    """Return the finding's matches, the strongest first after those offered; one is shown."""
    own_colour = THEMES[frame.theme()].prototype
    offered = {top.prototype.name: f"match {number}" for number, top in enumerate(tops, start=1)}
    others = sorted(
        (other for other in finding.speaking if other.prototype.name not in offered),
        key=lambda other: -abs(other.contribution),
    )
    return [
        Window(
            *each.window_s,
            offered.get(each.prototype.name, each.prototype.name.partition("-")[2]),
            own_colour if each is match else None,
            shown=each is match,
        )
        for each in [*tops, *others][:SWITCHES]
    ]


def _chart(finding: Finding) -> None:
    st.markdown("#### What the finding adds up from", help=words.CONTRIBUTION)
    drawing.show(
        contributions_figure(finding, theme=frame.theme()),
        key="contributions",
        alt=describe_contributions(finding),
    )


main()
