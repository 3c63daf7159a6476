"""An ECG compared with an earlier one of the same patient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from pages.ecg import arrangement, drawing, intervals, picking, tracing, warnings
from pages.explanation.explained import ExplainedECG
from pages.shell import choices, frame, words
from protoecg import wording
from protoecg.bundle import Bundle
from protoecg.evidence.change import (
    TOLD,
    FindingChange,
    MeasurementChange,
    finding_changes,
    measurement_changes,
    of_kind,
)
from protoecg.explanation import Finding, Match
from protoecg.figures.change import change_figure, describe_change
from protoecg.figures.paper import Window
from protoecg.measure import measurements
from protoecg.sheet.colours import THEMES

FINDINGS, CHANGE = "findings", "change"
SHOWN = {FINDINGS: "Findings of this ECG", CHANGE: "Change from the earlier ECG"}
NEITHER = "present in neither"
AS_SAID = "Which ECG is the earlier is as you uploaded them: files' dates are not kept."
MEASURED = (
    "Computed, each with an error of its own, so a small difference says nothing. An axis that "
    "grows turns to the right."
)
OF_FINDINGS = (
    "A finding is present where it is likely: its probability reaches its threshold. So a small "
    "change can make it come or go: look at how far the logit moved."
)
OF_PARTS = (
    "Both ECGs are compared with the same prototypes by the same weights. What their contributions "
    "rose or fell by adds up to the change of the logit; the bias is in both and cancels."
)


def offer() -> None:
    """Ask for the earlier ECG; where there is one, let it be exchanged or put away."""
    slot = picking.EARLIER
    # Another key closes it, which else would stay open above what was asked for.
    key = f"offer {'/'.join(slot.named or ())}"
    with st.popover("Compare with an earlier ECG", icon=":material/history:", key=key):
        st.caption(f"Of the same patient. {AS_SAID}")
        if slot.named:
            with st.container(horizontal=True):
                st.button("Swap the two", icon=":material/swap_horiz:", on_click=picking.swap)
                st.button(
                    "Stop comparing",
                    icon=":material/close:",
                    on_click=picking.forget,
                    args=(slot,),
                )
        # An example is nobody's earlier ECG, but two of them show what is compared.
        (picking.picker if picking.NOW.is_example else picking.uploader)(slot)


def is_chosen() -> bool:
    """Ask whether the change from the earlier ECG is looked at, or the findings themselves."""
    chosen = choices.one_of(
        "Look at",
        [CHANGE, FINDINGS],
        key="look",
        named=SHOWN.__getitem__,
        label_visibility="collapsed",
    )
    return chosen == CHANGE


def show(then: ExplainedECG, now: ExplainedECG, code: str, bundle: Bundle) -> None:
    """Show both tracings, measurements and findings, and one finding's change taken apart.

    Parameters
    ----------
    code : the statement to take apart
    """
    _warn(then, now, bundle)
    changes = finding_changes(then.explanation, now.explanation)
    chosen = next(change for change in changes if change.code == code)
    _tracings(then, now, chosen)
    _measurements(then, now)
    st.markdown("#### Findings")
    if then.explanation.abstains or now.explanation.abstains:
        st.caption("Nothing can be called new or gone: the model abstains from one of the two.")
    else:
        _findings(changes)
    _parts(changes, chosen)


def _warn(then: ExplainedECG, now: ExplainedECG, bundle: Bundle) -> None:
    warnings.show(then.explanation, "Earlier ECG")
    poor = [
        name
        for name, each in (("the earlier ECG", then), ("this ECG", now))
        if each.explanation.abstains or each.explanation.quality
    ]
    if poor:
        st.warning(
            "**What changed may be the recording, not the patient:** see what is said above of "
            f"{' and of '.join(poor)}.",
            icon=":material/compare_arrows:",
        )
    if np.array_equal(then.ecg.signal, now.ecg.signal):
        st.info("Both are the same recording.", icon=":material/content_copy:")
    model = f"{words.plain(bundle.name)}, version {bundle.revision[:12]}"
    st.caption(f"Both are explained by {model}. {AS_SAID}")


def _tracings(then: ExplainedECG, now: ExplainedECG, change: FindingChange) -> None:
    match = change.most
    with st.container(horizontal=True, vertical_alignment="bottom"):
        arranged, view = arrangement.choose(), tracing.choose()
    left, right, width_px = arrangement.containers(arranged)
    sides = (
        (left, "Earlier ECG", then, "earlier", _window(match.then if match else None)),
        (right, "This ECG", now, "query", _window(match.now if match else None)),
    )
    for column, name, each, key, windows in sides:
        with column:
            st.markdown(f"**{name}** · {words.plain(each.ecg.source or 'ECG')}")
            drawing.show_ecg(each.ecg, windows, key=key, view=view, width_px=width_px)
    if match and _window(match.now):
        st.caption(
            f"Marked: where each is most like {words.plain(match.prototype.name)}, whose "
            f"contribution to {words.named(change.code)} changed most "
            f"({wording.signed(match.amount)})."
        )


def _window(match: Match | None) -> list[Window]:
    """Return where an ECG is most like the prototype; nothing to mark where it is all of it."""
    if match is None:
        return []
    colour = THEMES[frame.theme()].prototype
    window = Window(*match.window_s, match.prototype.name, colour)
    return [] if window.whole_strip else [window]


def _measurements(then: ExplainedECG, now: ExplainedECG) -> None:
    st.markdown("#### Measurements")
    measured = [measurements(intervals.delineated(each.key, each.ecg)) for each in (then, now)]
    st.table(measurements_table(measurement_changes(*measured)))
    st.caption(MEASURED)


def measurements_table(changes: Sequence[MeasurementChange]) -> pd.DataFrame:
    """Return a row for each measurement: earlier, now, difference, and why one is missing."""
    rows = {
        f"{change.name}, {change.unit}": {
            "earlier": _number(change.then),
            "now": _number(change.now),
            "difference": _number(change.difference, "+"),
            "unsure": _unsure(change),
        }
        for change in changes
    }
    table = pd.DataFrame.from_dict(rows, orient="index")
    return _without_empty(table, "unsure")


def _without_empty(table: pd.DataFrame, column: str) -> pd.DataFrame:
    return table if table[column].any() else table.drop(columns=column)


def _number(value: int | None, sign: str = "") -> str:
    if value is None:
        return ""
    return wording.true_minus(f"{value:{sign}d}") if value else "0"


def _unsure(change: MeasurementChange) -> str:
    if change.unsure_then == change.unsure_now:
        return f"both: {change.unsure_now}" if change.unsure_now else ""
    reasons = {"earlier": change.unsure_then, "now": change.unsure_now}
    return "; ".join(f"{when}: {reason}" for when, reason in reasons.items() if reason)


def _findings(changes: Sequence[FindingChange]) -> None:
    for kind in TOLD[:2]:
        found = [words.named(change.code) for change in of_kind(changes, kind)]
        st.markdown(f"{kind.capitalize()}: {', '.join(f'**{f}**' for f in found) or 'none'}.")
    table = findings_table(changes)
    if table.empty:
        st.caption("No statement is likely on either ECG.")
    else:
        st.table(table)
        st.caption(OF_FINDINGS)


def findings_table(changes: Sequence[FindingChange]) -> pd.DataFrame:
    """Return a row for each finding of either ECG: what is new, what is gone, what is in both."""
    rows = {
        words.named(change.code): {
            "": kind,
            "probability": " → ".join(_cell(_told(finding)[0]) for finding in _both(change)),
            "threshold": _cell(max((_told(finding)[1] for finding in _both(change)), key=len)),
            "logit": " → ".join(_cell(wording.signed(f.logit)) for f in _both(change)),
            "change of the logit": wording.signed(change.amount),
            "evidence": "low evidence" if change.now.low_evidence else "",
        }
        for kind in TOLD
        for change in of_kind(changes, kind)
    }
    if not rows:
        return pd.DataFrame()
    return _without_empty(pd.DataFrame.from_dict(rows, orient="index"), "evidence")


def _both(change: FindingChange) -> tuple[Finding, Finding]:
    return change.then, change.now


def _told(finding: Finding) -> tuple[str, str]:
    return wording.distinct_probabilities(finding.probability, finding.threshold)


def _cell(value: str) -> str:
    # A cell is Markdown, in which ">99 %" would be a quotation; a narrow one breaks at spaces.
    return words.plain(value).replace(" ", "\N{NO-BREAK SPACE}")


def _parts(changes: Sequence[FindingChange], change: FindingChange) -> None:
    st.markdown("#### What a finding's change adds up from")
    _choose(changes, change.code)
    if not change.matches:
        st.info("No prototype speaks for or against this statement: it rests on the bias alone.")
        return
    drawing.show(
        change_figure(change, theme=frame.theme()), key="change", alt=describe_change(change)
    )
    st.caption(OF_PARTS)


def _choose(changes: Sequence[FindingChange], code: str) -> None:
    """Offer all statements, what came or went first; the page's URL holds the choice."""
    ordered = {
        change.code: change for kind in (*TOLD, NEITHER) for change in of_kind(changes, kind)
    }
    st.session_state["change choice"] = code
    st.selectbox(
        "Statement",
        list(ordered),
        format_func=lambda code: (
            f"{words.named(code)} · {ordered[code].kind} · {wording.signed(ordered[code].amount)}"
        ),
        key="change choice",
        on_change=_take,
    )


def _take() -> None:
    st.query_params["finding"] = st.session_state["change choice"]
    st.query_params.pop("match", None)
