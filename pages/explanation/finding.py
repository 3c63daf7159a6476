"""One finding: how sure the model is, the cases that it rests on, and what it adds up from."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from pages.ecg import arrangement, calipers, drawing, tracing
from pages.explanation import matches, neighbours, what_if
from pages.explanation.explained import ExplainedECG
from pages.shell import frame, source_ecgs, words
from protoecg import wording
from protoecg.bundle import Bundle
from protoecg.explanation import Explanation, Finding, Match, Measured
from protoecg.figures.charts import contributions_figure, describe_contributions
from protoecg.figures.paper import Window
from protoecg.sheet.view import View


@dataclass(frozen=True)
class Drawn:
    """How the tracings are drawn, and whether the reader measures on them."""

    view: View
    calipers: bool
    arranged: str = arrangement.BESIDE


def show(now: ExplainedECG, bundle: Bundle, finding: Finding) -> None:
    """Lay out a finding with all that it rests on."""
    _verdict(finding, now.explanation)
    if not finding.speaking:
        st.info("No prototype speaks for or against this statement: it rests on the bias alone.")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            drawn = Drawn(tracing.choose(), calipers.toggle())
        _tracing(now, [], drawn)
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        offered = matches.strongest(finding)
        arranged = arrangement.choose()
        drawn = Drawn(tracing.choose(), calipers.toggle(), arranged)
    match = matches.choose(offered)
    matches.describe(now, bundle, match)
    _pictures(now, bundle, match, matches.windows(finding, offered, match), drawn)
    neighbours.show(now.key, now.ecg, bundle, finding, match, drawn.view)
    _contributions(finding)
    what_if.show(now.explanation, finding)


def _verdict(finding: Finding, explanation: Explanation) -> None:
    st.markdown(f"### {words.named(finding.code)}")
    probability, threshold = wording.distinct_probabilities(finding.probability, finding.threshold)
    starts = f"likely from {threshold}"
    if finding.possible_from is not None:
        starts = f"possible from {wording.probability(finding.possible_from)}, {starts}"
    conclusion = f": {finding.certainty} ({starts})"
    if explanation.abstains:
        conclusion = f", threshold {threshold}: no verdict, as the model abstains"
    st.markdown(
        f"Probability **{probability}**{conclusion} · {finding.branch} branch",
        help=words.BRANCHES[finding.branch],
    )
    if finding.low_evidence:
        st.warning(
            "Low evidence: too few ECGs with this statement were seen in validation to trust its "
            "probability and threshold.",
            icon=":material/warning:",
        )
    if finding.contradictions:
        st.warning(
            f"This finding is contradicted{', and not called likely' if finding.withheld else ''}: "
            f"{' '.join(map(words.plain, finding.contradictions))}",
            icon=":material/rule:",
        )


def _tracing(
    now: ExplainedECG, windows: list[Window], drawn: Drawn, width_px: int = drawing.PAGE_PX
) -> None:
    st.markdown("**This ECG**")
    if drawn.calipers:
        calipers.show_ecg(
            now.key, now.ecg, windows, name="query", view=drawn.view, width_px=width_px
        )
    else:
        drawing.show_ecg(now.ecg, windows, key="query", view=drawn.view, width_px=width_px)


def _pictures(
    now: ExplainedECG, bundle: Bundle, match: Match, windows: list[Window], drawn: Drawn
) -> None:
    source = source_ecgs.load(bundle, match.prototype)
    if source is None:
        source_ecgs.tell_missing(bundle, [match.prototype])
        _tracing(now, windows, drawn)
        drawing.show_window(
            now.ecg,
            match.window_s,
            view=drawn.view,
            lead_shares=match.lead_shares,
            key="comparison",
        )
        return
    left, right, width_px = arrangement.containers(drawn.arranged)
    with left:
        _tracing(now, windows, drawn, width_px)
    with right:
        st.markdown("**The prototype's ECG**")
        own = [drawing.prototype_window(match.prototype)]
        drawing.show_ecg(source, own, key="source", view=drawn.view, width_px=width_px)
    drawing.show_comparison(
        now.ecg,
        match.window_s,
        source,
        match.prototype.window_s,
        view=drawn.view,
        labels=("this ECG", "prototype"),
        lead_shares=match.lead_shares,
        key="comparison",
    )


def _contributions(finding: Finding) -> None:
    st.markdown("#### What the finding adds up from", help=words.CONTRIBUTION)
    if told := [_measured(measured) for measured in finding.measured]:
        st.caption(f"Measurements: {' · '.join(told)}")
    drawing.show(
        contributions_figure(finding, theme=frame.theme()),
        key="contributions",
        alt=describe_contributions(finding),
    )


def _measured(measured: Measured) -> str:
    return (
        f"{measured.name} {measured.value:.3g} {measured.unit} adds "
        f"**{wording.signed(measured.contribution)}**"
    )
