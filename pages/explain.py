"""Explain: what the model finds in an ECG, and the prototypes that each finding rests on."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.ecg import intervals, picking, warnings
from pages.explanation import downloads, earlier, finding, findings_list, landing
from pages.explanation.explained import ExplainedECG, explained
from pages.shell import blinding, frame, models, words
from protoecg.bundle import Bundle


def main() -> None:
    """Lay out the page."""
    frame.guard("Explain")
    picked = picking.picked()
    bundle = models.choose(simulated=picking.NOW.is_example)
    blinding.refuse(bundle)
    if picked is None:
        _welcome(bundle)
        return
    before = picking.picked(picking.EARLIER)
    now = explained(*picked, bundle)
    then = explained(*before, bundle) if before else None
    _heading(now, bundle, then)
    _findings(now, bundle, then)


def _welcome(bundle: Bundle) -> None:
    landing.show()
    worked = landing.worked_example(bundle)
    if worked is None:
        return
    blinding.refuse(worked.bundle)
    now = explained(worked.key, worked.ecg, worked.bundle)
    with _row():
        st.markdown("#### A worked example", width="stretch")
        models.badge(worked.bundle)
        _tools(now, worked.bundle, None)
    st.caption(worked.about)
    warnings.show(now.explanation)
    _findings(now, worked.bundle, None, first=worked.finding)


def _heading(now: ExplainedECG, bundle: Bundle, then: ExplainedECG | None) -> None:
    with _row():
        st.markdown(f"#### {words.plain(now.ecg.source or 'ECG')}", width="stretch")
        models.badge(bundle)
        _tools(now, bundle, then)
        with st.popover("Another ECG", icon=":material/upload_file:"):
            if picking.EARLIER.named:
                st.caption("It could be another patient's: the earlier ECG is put away with it.")
            picking.picker()
        earlier.offer()
    warnings.show(now.explanation)


def _row() -> DeltaGenerator:
    return st.container(horizontal=True, vertical_alignment="center")


def _tools(now: ExplainedECG, bundle: Bundle, then: ExplainedECG | None) -> None:
    st.toggle("Measurements", key="measured", bind="query-params")
    with st.popover("Report", icon=":material/print:"):
        downloads.show(now, bundle, then)


def _findings(
    now: ExplainedECG, bundle: Bundle, then: ExplainedECG | None, *, first: str = ""
) -> None:
    if st.session_state.get("measured"):
        intervals.show(now.key, now.ecg)
    chosen = findings_list.choose(now.explanation, first)
    if then and earlier.is_chosen():
        earlier.show(then, now, chosen.code, bundle)
    else:
        finding.show(now, bundle, chosen)


main()
