"""Explain: an ECG as a cart prints it, what the model finds in it, and the cases it looks like."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.ecg import calipers, drawing, header, intervals, marks, picking, taken, tracing, warnings
from pages.explanation import cases, downloads, earlier, exact, finding, landing, statements
from pages.explanation.cases import Case
from pages.explanation.explained import ExplainedECG, explained
from pages.shell import frame, models, words
from pages.shell.access import blinding
from protoecg import summary
from protoecg.bundle import Bundle
from protoecg.explanation import Finding
from protoecg.figures.paper import Window
from protoecg.measure import measurements
from protoecg.sheet.view import View

LOOKED_AT = "ECG looked at"
MARKS = (
    ":blue[P], :orange[QRS] and :green[T] of each beat, as measured, below the lowest row where "
    "that is one lead, and the RR intervals in ms."
)


def main() -> None:
    """Lay out the page."""
    frame.guard("Explain")
    picked = picking.picked()
    if picked is None:
        _welcome()
        return
    key, ecg = picked
    before = picking.picked(picking.EARLIER)
    row = _row()
    with row:
        st.markdown(f"#### {words.plain(ecg.source or 'ECG')}", width="stretch")
    bundle = models.choose(row, simulated=picking.NOW.is_example)
    blinding.refuse(bundle)
    place = _cleared(key)
    now = explained(key, ecg, bundle)
    then = explained(*before, bundle) if before else None
    with row:
        models.badge(bundle)
        taken.is_wanted(ecg, *([then.ecg] if then else []))
        _report(now, bundle, then)
        # Another key closes it, which else would stay open above the ECG that was asked for.
        with st.popover("Another ECG", icon=":material/upload_file:", key=f"instead of {key}"):
            if picking.EARLIER.named:
                st.caption("It could be another patient's: the earlier ECG is put away with it.")
            picking.picker()
        earlier.offer()
    with place.container() if place else st.container():
        _reading(now, bundle, then)


def _welcome() -> None:
    if landing.show():
        return
    row = _row()
    with row:
        st.markdown("#### A worked example", width="stretch")
    bundle = models.choose(row)
    worked = landing.worked_example(bundle)
    if worked is None:
        return
    blinding.refuse(worked.bundle)
    place = _cleared(worked.key)
    now = explained(worked.key, worked.ecg, worked.bundle)
    with row:
        models.badge(worked.bundle)
        _report(now, worked.bundle, None)
    with place.container() if place else st.container():
        st.caption(worked.about)
        _reading(now, worked.bundle, None, first=worked.finding)


def _row() -> DeltaGenerator:
    return st.container(horizontal=True, vertical_alignment="center")


def _cleared(key: str) -> DeltaGenerator | None:
    """Return the place of the reading, empty, where that is of another ECG than before."""
    if st.session_state.get(LOOKED_AT) == key:
        return None
    st.session_state[LOOKED_AT] = key
    # It is sent before the ECG is explained: what was read of another one must not stand beside it.
    return st.empty()


def _report(now: ExplainedECG, bundle: Bundle, then: ExplainedECG | None) -> None:
    with st.popover("Report", icon=":material/print:"):
        downloads.show(now, bundle, then)


def _reading(
    now: ExplainedECG, bundle: Bundle, then: ExplainedECG | None, *, first: str = ""
) -> None:
    chosen = statements.chosen(now.explanation, first)
    warnings.show(now.explanation)
    if then and earlier.is_chosen():
        header.show(now.found, now.explanation.quality, taken.shown(now.ecg))
        statements.show(now.explanation, chosen)
        earlier.show(then, now, (chosen or now.explanation.findings[0]).code, bundle)
        return
    of = cases.chosen(now, bundle, chosen) if chosen else None
    view = _tracing(now, bundle, chosen, of.case if of else None)
    measured = summary.header(measurements(now.found))
    statements.show(now.explanation, chosen, measured)
    if chosen and of:
        finding.show(now, bundle, chosen, of, view)


def _tracing(
    now: ExplainedECG, bundle: Bundle, looked_at: Finding | None, case: Case | None
) -> View:
    """Print the header line and the ECG, and return how tracings are printed."""
    with _row():
        with st.container(width="stretch"):
            header.show(now.found, now.explanation.quality, taken.shown(now.ecg))
        view = tracing.choose()
        beats = st.toggle("Marks", key="marks", bind="query-params", help=MARKS)
        measuring = calipers.toggle()
        measured = st.toggle("Median beat", key="measured", bind="query-params")
    # As carts print them: a page that is always as high.
    close = replace(view, close=True)
    windows, found = _windows(now, bundle, looked_at, case, view), now.found if beats else None
    if measuring:
        calipers.show_ecg(now.key, now.ecg, windows, name="query", view=close, measured=found)
    else:
        drawing.show_ecg(now.ecg, windows, key="query", view=close, measured=found)
    marks.show_legends(windows)
    drawing.show_other_leads(now.ecg, key="beside", view=close)
    if measured:
        intervals.show(now.key, now.ecg)
    return view


def _windows(
    now: ExplainedECG, bundle: Bundle, looked_at: Finding | None, case: Case | None, view: View
) -> list[Window]:
    """Return what is marked: what the case is like, beats like that, and early beats that count."""
    if looked_at is None or case is None:
        return []
    leads = exact.telling(now, bundle, looked_at, case)
    label = "compared below"
    compared = marks.windows(now.ecg, now.found, case.window_s, label, leads=leads, view=view)
    return [*compared, *marks.early(looked_at, now.found)]


main()
