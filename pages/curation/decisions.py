"""The proposals of a rule, and by eye what takes the place of each."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from pages.curation.choices import BEST, KEEP, NONE, decide, decided
from pages.ecg import cases, drawing, marks, origin
from pages.shell import source_ecgs, words
from protoecg.bundle import Bundle
from protoecg.prototypes.curation import CurationError, Proposal, Proposals, Rule
from protoecg.prototypes.prototype import Prototype
from protoecg.sheet.view import View
from protoecg.storage.files import in_words
from training.curate.candidates import Candidate, Found
from training.curate.desk import Desk

AGAIN, PROBLEM = "look for candidates again", "curation problem"
HALF_PX = 640


def table(bundle: Bundle, proposals: Proposals, decisions: Mapping[str, str]) -> None:
    """List the proposals with why, and what was decided."""
    stand_for = _statements(bundle)
    rows = [
        (
            stand_for[p.prototype],
            p.prototype,
            decisions.get(p.prototype, BEST),
            p.why,
            p.disagreement,
        )
        for p in proposals.retired
    ]
    columns = ["Stands for", "Prototype", "Takes its place", "Why", "Disagreement"]
    st.dataframe(pd.DataFrame(rows, columns=columns), hide_index=True)


def show(bundle: Bundle, desk: Desk, proposals: Proposals, rule: Rule, view: View) -> None:
    """Show one proposal: its reasons, the prototype, and the candidates to choose from."""
    by_name = {proposal.prototype: proposal for proposal in proposals.retired}
    stand_for = _statements(bundle)
    name = st.selectbox(
        "Prototype",
        list(by_name),
        key="proposal",
        width=560,
        format_func=lambda name: f"{name}: {stand_for[name]}",
    )
    prototype = next(p for p in bundle.prototypes if p.name == name)
    _reasons(by_name[name])
    _tracing(bundle, prototype, view, "retired", HALF_PX * 2)
    decisions = decided(bundle)
    with st.container(horizontal=True):
        _button(bundle, "Keep it", KEEP, decisions, name)
        _button(bundle, "Retire without another", NONE, decisions, name)
        _button(bundle, "Take the best candidate", BEST, decisions, name)
    show_problem()
    found = _look(desk, name, proposals, rule)
    shown = found.candidates
    count = f"**{len(shown)} candidate{'s' if len(shown) != 1 else ''}**, the best first"
    st.markdown(count if shown else "**No candidates**")
    if found.words:
        st.caption(f":material/image_not_supported: {words.plain(found.words)}")
        _offer_again(name)
    elif not shown:
        st.info("No other window may stand for this statement. Keep it, or retire it alone.")
    for pair in (shown[n : n + 2] for n in range(0, len(shown), 2)):
        for column, candidate in zip(st.columns(2), pair, strict=False):
            with column.container(border=True):
                _candidate(bundle, candidate, decisions, name, view)


def _statements(bundle: Bundle) -> dict[str, str]:
    """Return what each prototype stands for, in words."""
    return {p.name: bundle.labels.named(p.statement) for p in bundle.prototypes}


def _look(desk: Desk, name: str, proposals: Proposals, rule: Rule) -> Found:
    """Look for candidates, and show how far that is: their ECGs may come from elsewhere."""
    again = st.session_state.pop(AGAIN, None) == name
    place, wanted = st.empty(), rule.candidates.shown

    def show_progress(found: int) -> None:
        place.progress(found / wanted, f"Looking for candidates: {found} of {wanted}")

    with st.spinner("Looking for candidates; the first time takes a minute"):
        found = desk.candidates(name, proposals, rule, on_found=show_progress, again=again)
    place.empty()
    return found


def _offer_again(name: str) -> None:
    st.button(
        "Try again",
        icon=":material/refresh:",
        type="tertiary",
        on_click=st.session_state.__setitem__,
        args=(AGAIN, name),
    )


def window(candidate: Candidate) -> str:
    """Name a candidate as a rule does."""
    return f"{candidate.prototype.record} {candidate.prototype.window_s[0]:.2f}"


def _reasons(proposal: Proposal) -> None:
    st.markdown(words.plain(words.capitalised(proposal.why)) + ".")
    if proposal.disagreement:
        st.caption(f":material/call_split: {words.plain(words.capitalised(proposal.disagreement))}")
    for reviewer, comment in proposal.verdict.comments:
        st.caption(f"{words.plain(reviewer)}: “{words.plain(comment)}”")


def _candidate(
    bundle: Bundle, candidate: Candidate, decisions: Mapping[str, str], name: str, view: View
) -> None:
    own = candidate.prototype
    st.caption(f"{origin.provenance(own)} · {origin.other_statements(own, bundle.labels)}")
    if known := origin.belief(own):
        st.caption(known)
    st.caption(
        f"Keeps the statement's ECGs {candidate.parts:.1f} standard deviations from the others · "
        f"{candidate.likeness:.2f} alike to the retired one (1 is the same)"
    )
    _tracing(bundle, own, view, window(candidate), HALF_PX)
    _button(bundle, "Take this one", window(candidate), decisions, name)


def _tracing(bundle: Bundle, prototype: Prototype, view: View, key: str, width_px: int) -> None:
    ecg = source_ecgs.load(bundle, prototype)
    if ecg is None:
        source_ecgs.show_missing(bundle, [prototype])
        return
    statement = bundle.labels.get(prototype.statement)
    marked = cases.marked(ecg, prototype.window_s, statement, view=view)
    drawing.show_ecg(ecg, marked, key=f"curate {key}", view=view, width_px=width_px)
    marks.show_legends(marked)


def _button(
    bundle: Bundle, label: str, choice: str, decisions: Mapping[str, str], name: str
) -> None:
    taken = decisions.get(name, BEST) == choice
    st.button(
        label,
        key=f"{name} {choice}",
        icon=":material/check:" if taken else None,
        type="primary" if taken else "secondary",
        on_click=_decide,
        args=(bundle, name, choice),
    )


def _decide(bundle: Bundle, name: str, choice: str) -> None:
    try:
        decide(bundle, name, choice)
    except (CurationError, OSError) as error:
        st.session_state[PROBLEM] = in_words(error)


def show_problem() -> None:
    """Say once why the last click did nothing, if it did."""
    if problem := st.session_state.pop(PROBLEM, None):
        st.error(words.plain(problem), icon=":material/error:")
