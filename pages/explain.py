"""Explain: what the model finds in an ECG, and the prototypes that each finding rests on."""

from __future__ import annotations

import streamlit as st

from pages.shared import drawing, frame, models, picking, words
from protoecg.bundle import Bundle
from protoecg.ecg import ECG
from protoecg.explain import explain
from protoecg.explanation import Explanation, Finding, Match
from protoecg.figures.charts import contributions_figure, describe_contributions
from protoecg.figures.overlay import comparison_figure, describe_comparison
from protoecg.figures.paper import Window
from protoecg.figures.theme import THEMES

TOP = 5


def main() -> None:
    """Lay out the page."""
    frame.guard("Explain")
    bundle = models.choose()
    found = picking.picked()
    if found is None:
        _welcome()
        return
    key, ecg = found
    explanation = _explained(key, bundle.path, bundle.fingerprint, ecg, bundle)
    _heading(ecg, bundle, explanation)
    finding = _choose_finding(explanation)
    _show_finding(ecg, bundle, finding)


def _welcome() -> None:
    st.header("Explain an ECG")
    st.write(
        "The model compares an ECG with prototypes: real ECGs that each stand for a statement. "
        "You see what it finds, and the ECGs that every finding rests on."
    )
    picking.picker()


@st.cache_resource(max_entries=32, show_spinner="Reading the ECG")
def _explained(key: str, path: str, fingerprint: str, _ecg: ECG, _bundle: Bundle) -> Explanation:
    return explain(_ecg, _bundle)


def _heading(ecg: ECG, bundle: Bundle, explanation: Explanation) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader(ecg.source or "ECG", anchor=False, width="stretch")
        models.badge(bundle)
        with st.popover("Another ECG", icon=":material/upload_file:"):
            picking.picker()
    for note in explanation.notes:
        st.info(note, icon=":material/info:")


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
            format_func=lambda code: (
                f"{words.percent(by_code[code].probability)} · {words.named(code)}"
            ),
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
    return (
        f"**{words.percent(finding.probability)}** · from {words.percent(finding.threshold)} · "
        f"{finding.branch}{low}"
    )


def _show_finding(ecg: ECG, bundle: Bundle, finding: Finding) -> None:
    _verdict(finding)
    if not finding.matches:
        st.info("No prototype has a weight for this statement: it rests on the bias alone.")
        drawing.show_ecg(ecg, [], key="query")
        return
    tops = finding.matches[:TOP]
    match = _choose_match(tops)
    _pair(ecg, bundle, tops, match)
    _chart(finding)


def _verdict(finding: Finding) -> None:
    st.header(words.named(finding.code), anchor=False)
    side = "at or above" if finding.present else "below"
    st.markdown(
        f"Probability **{words.percent(finding.probability)}**, {side} its threshold of "
        f"{words.percent(finding.threshold)} · {finding.branch} branch",
        help=words.BRANCHES[finding.branch],
    )
    if finding.low_evidence:
        st.warning(
            "Low evidence: too few ECGs with this statement were seen in validation to trust its "
            "probability and threshold.",
            icon=":material/warning:",
        )


def _choose_match(tops: tuple[Match, ...]) -> Match:
    by_name = {match.prototype.name: match for match in tops}
    chosen = st.query_params.get("match")
    st.session_state["match choice"] = chosen if chosen in by_name else next(iter(by_name))
    name = st.radio(
        f"The {len(tops)} prototypes that speak most for it",
        list(by_name),
        captions=[_numbers(match) for match in tops],
        key="match choice",
        on_change=_take_match,
        horizontal=True,
        help=f"{words.PROTOTYPE} Similarity: {words.SIMILARITY} Contribution: {words.CONTRIBUTION}",
    )
    return by_name[name]


def _take_match() -> None:
    st.query_params["match"] = st.session_state["match choice"]


def _numbers(match: Match) -> str:
    return (
        f"similarity {words.signed(match.similarity)} × weight {words.signed(match.weight)} = "
        f"**{words.signed(match.contribution)}**"
    )


def _pair(ecg: ECG, bundle: Bundle, tops: tuple[Match, ...], match: Match) -> None:
    colours = THEMES[frame.theme()]
    windows = [
        Window(
            *top.window_s,
            f"like {top.prototype.name}",
            colours.prototype if top is match else None,
            shown=top is match,
        )
        for top in tops
    ]
    source = models.source_ecg(bundle, match.prototype)
    drawing.show_ecg(ecg, windows, key="query", title="This ECG")
    if source is None:
        return
    prototype = match.prototype
    drawing.show_ecg(
        source, [drawing.prototype_window(prototype)], key="source", title="The prototype's ECG"
    )
    st.caption(drawing.provenance(prototype))
    figure = comparison_figure(
        ecg,
        match.window_s,
        source,
        prototype.window_s,
        title="Both windows",
        theme=frame.theme(),
        width_px=drawing.PAGE_PX,
    )
    alt = describe_comparison(match.window_s, prototype.window_s)
    drawing.show(figure, key="comparison", alt=alt)


def _chart(finding: Finding) -> None:
    st.subheader("What the finding adds up from", anchor=False, help=words.CONTRIBUTION)
    drawing.show(
        contributions_figure(finding, theme=frame.theme()),
        key="contributions",
        alt=describe_contributions(finding),
    )


main()
