"""One finding: how sure the model is, the cases that it looks like, and what it adds up to."""

from __future__ import annotations

from functools import partial

import streamlit as st

from pages.ecg import drawing, intervals, origin
from pages.ecg.cases import CONTEXT
from pages.explanation import cases, exact, laid_over, neighbours, what_if
from pages.explanation.cases import NEAREST, Case, Cases
from pages.explanation.explained import ExplainedECG
from pages.shell import source_ecgs, words
from protoecg import wording
from protoecg.bundle import Bundle
from protoecg.ecg import ECG
from protoecg.evidence.in_words import adds_up
from protoecg.evidence.likeness import Likeness, likeness
from protoecg.evidence.neighbours import Neighbour
from protoecg.explanation import Explanation, Finding
from protoecg.figures.strips import strip_leads
from protoecg.labels import LabelSet
from protoecg.sheet.view import View

LABELS = ("this ECG", "the case")
UNLIKE = "They differ to the eye, though the model finds them alike: {}."
UNLIKE_TO_THE_MODEL = "They differ to the eye: {}."


def show(now: ExplainedECG, bundle: Bundle, finding: Finding, of: Cases, view: View) -> None:
    """Lay out a finding with all that it rests on.

    Parameters
    ----------
    of : the cases that are looked at, as `cases.chosen` returns them
    """
    _heading(finding, now.explanation)
    if of.kinds:
        cases.choose(of)
        if of.kind == NEAREST:
            found = [c.source for c in of.offered if isinstance(c.source, Neighbour)]
            branch = finding.speaking[0].prototype.branch
            neighbours.show_labels(bundle, finding.statement, branch, found)
        if of.case:
            _looks_like(now, bundle, finding, of.case, view)
    _adds_up(now, bundle, finding, of.case)


def _heading(finding: Finding, explanation: Explanation) -> None:
    st.markdown(f"### {words.capitalised(finding.statement.description)}")
    probability, threshold = wording.distinct_probabilities(finding.probability, finding.threshold)
    starts = f"likely from {threshold}"
    if finding.possible_from is not None:
        starts = f"possible from {wording.probability(finding.possible_from)}, {starts}"
    certainty = f"**{finding.certainty.capitalize()}**, {probability} ({starts})"
    if explanation.abstains:
        certainty = f"{probability}: not to be relied on, as the model abstains"
    st.markdown(
        f"{certainty} · {words.plain(finding.code)}",
        help=words.BRANCHES[finding.branch],
    )
    if finding.low_evidence:
        st.markdown(
            ":orange[:material/warning: Low evidence:] too few ECGs with this statement were seen "
            "in validation to trust its probability and thresholds."
        )


def _looks_like(
    now: ExplainedECG, bundle: Bundle, finding: Finding, case: Case, view: View
) -> None:
    source = source_ecgs.load(bundle, case.source)
    telling = exact.telling(now, bundle, finding, case)
    with st.container(key="case"):
        beat, facts = st.columns([3, 1])
    with beat:
        if source is None:
            source_ecgs.show_missing(bundle, [case.source], "The case's ECG")
            drawing.show_window(
                now.ecg, case.window_s, view=view, telling=telling, key="comparison"
            )
        else:
            seen = _compared(now, finding, case, source, view, telling)
    with facts:
        _facts(case, bundle.labels)
        if source is not None and seen:
            _likeness(seen, telling, case)
        if case.match:
            whole = st.toggle("Its whole ECG", key="whole", bind="query-params")
        else:
            whole = False
    if source is not None and whole:
        own = drawing.marked(case.source.window_s, "the case")
        drawing.show_ecg(source, [] if own.whole_strip else [own], key="source", view=view)


def _compared(
    now: ExplainedECG,
    finding: Finding,
    case: Case,
    source: ECG,
    view: View,
    telling: tuple[str, ...],
) -> Likeness | None:
    """Lay the case's beat below this ECG's; of whole strips set both with their beats marked."""
    if wording.is_whole_strip(case.window_s):
        other = intervals.delineated(f"case {case.source.sha256}", source)
        beats = partial(laid_over.beats, (other, now.found), LABELS[::-1])
        # What the rhythm branch reads is between the beats first of all, everything else in them.
        if finding.branch != "rhythm":
            beats()
        drawing.show_comparison(
            *(now.ecg, case.window_s, source, case.source.window_s),
            view=view,
            labels=LABELS,
            measured=(now.found, other),
            key="comparison",
        )
        st.caption(CONTEXT.format(where=f"lead {strip_leads(view)[0]}"))
        if finding.branch == "rhythm" and not finding.statement.is_rhythm:
            beats()
        return None
    seen = likeness(now.ecg, case.window_s, source, case.source.window_s)
    drawing.show_comparison(
        *(now.ecg, case.window_s, source, case.source.window_s),
        view=view,
        labels=LABELS,
        telling=telling,
        shift_s=seen.shift_s,
        key="comparison",
    )
    return seen


def _facts(case: Case, labels: LabelSet) -> None:
    source = case.source
    st.markdown(f"**{words.plain(words.patient(source)).capitalize()}**")
    facts = origin.case_facts(source, labels)
    st.markdown("\n".join(f"- {line}" for line in facts))
    names = dict.fromkeys((source.name, source.record))
    st.caption(f"{' · '.join(map(words.plain, names))} · {wording.window(source.window_s)}")


def _likeness(seen: Likeness, telling: tuple[str, ...], case: Case) -> None:
    correlations = [seen.correlation[lead] for lead in telling if lead in seen.correlation]
    leads = ", ".join(telling)
    if differs := seen.differs(telling):
        alike = case.match is None or case.match.similarity > 0.5
        st.warning((UNLIKE if alike else UNLIKE_TO_THE_MODEL).format(differs))
    elif correlations:
        mean = wording.signed(sum(correlations) / len(correlations))
        averaged = " on average" if len(correlations) > 1 else ""
        st.caption(f"Shapes in {leads}: correlation {mean}{averaged}.")
    if seen.shift_s:
        moved = f"{1000 * abs(seen.shift_s):.0f} ms {'later' if seen.shift_s > 0 else 'earlier'}"
        st.caption(f"The case is drawn {moved}, so that the beats fall together.")


def _adds_up(now: ExplainedECG, bundle: Bundle, finding: Finding, case: Case | None) -> None:
    st.markdown("#### What it adds up to")
    st.markdown(
        words.plain(adds_up(finding, bundle.labels)) or "It rests on no case and no measurement."
    )
    if off := cases.switched_off(finding):
        what_if.show(now.explanation, finding, off)
        st.button("Count all cases again", on_click=cases.count_all)
    with st.expander("The exact sum", key="sum", on_change="rerun", bind="query-params") as opened:
        if opened.open:
            exact.show(now, bundle, finding, case)
