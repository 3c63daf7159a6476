"""An ECG compared with an earlier one of the same patient."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from pages.ecg import drawing, intervals, picking, taken, warnings
from pages.explanation import laid_over
from pages.explanation.explained import ExplainedECG
from pages.shell import choices, frame, words
from protoecg import wording
from protoecg.bundle import Bundle
from protoecg.evidence.change import (
    ABSENT,
    CHANGED,
    DEGREES,
    LISTED,
    FindingChange,
    MeasurementChange,
    finding_changes,
    measurement_changes,
    of_kind,
)
from protoecg.evidence.in_words import change_adds_up
from protoecg.explanation import Finding
from protoecg.figures.change import change_figure, describe_change
from protoecg.measure import measurements

FINDINGS, CHANGE = "findings", "change"
SHOWN = {FINDINGS: "Findings of this ECG", CHANGE: "Change from the earlier ECG"}
ORDER_AS_GIVEN = "Which ECG is the earlier is as you uploaded them."
TURNED = (
    "**By the times in the files the earlier ECG was recorded after this one.** Swap the two, "
    "unless a clock was wrong."
)
MEASURED = (
    "Computed. The largest change stands first, counted in what two ECGs of one patient differ by "
    "though no label changed: 95 of 100 such pairs of PTB-XL differ by less than what stands under "
    "“noise”. An axis that grows turns to the right."
)
NOTHING = "Nothing changed by more than two ECGs of one patient differ by themselves."
OF_FINDINGS = (
    "A finding is listed as new or gone only where how sure it is has changed, and by more than in "
    "95 of 100 pairs of ECGs of one patient without a change of labels."
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
        st.caption(f"Of the same patient. {ORDER_AS_GIVEN}")
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
    found = [intervals.delineated(each.key, each.ecg) for each in (then, now)]
    measured = measurement_changes(*map(measurements, found))
    certain = not (then.explanation.abstains or now.explanation.abstains)
    lines = change_lines(measured, changes if certain else [])
    st.markdown("\n".join(f"- {line}" for line in lines))
    if not certain:
        st.caption("Nothing can be called new or gone: the model abstains from one of the two.")
    laid_over.tracings(then, now, found, chosen)
    laid_over.beats(found)
    st.markdown("#### Measurements")
    st.table(measurements_table(measured))
    st.caption(MEASURED)
    if certain:
        _findings(changes)
    _parts(changes, chosen, bundle)


def change_lines(
    measured: Sequence[MeasurementChange], changes: Sequence[FindingChange]
) -> list[str]:
    """Return in Markdown what changed by more than noise, the largest change first."""
    lines = [
        f"{change.name}: {_number(change.then)} → **{_number(change.now)}{_unit(change)}** "
        f"({wording.signed(change.difference or 0, 0)})"
        for change in measured
        if change.beyond_noise
    ]
    for kind in CHANGED:
        if found := [change.now.statement.named for change in of_kind(changes, kind)]:
            lines.append(f"{kind.capitalize()}: {', '.join(f'**{f}**' for f in found)}")
    return lines or [NOTHING]


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
    if now.ecg.taken.is_before(then.ecg.taken):
        st.warning(TURNED, icon=":material/history:")
    if np.array_equal(then.ecg.signal, now.ecg.signal):
        st.info("Both are the same recording.", icon=":material/content_copy:")
    model = f"{words.plain(bundle.name)}, version {bundle.revision[:12]}"
    when = taken.shown(then.ecg)
    caption = f" Earlier ECG: {when.words}." if when else ""
    st.caption(f"Both are explained by {model}. {ORDER_AS_GIVEN}{caption}")


def measurements_table(changes: Sequence[MeasurementChange]) -> pd.DataFrame:
    """Return a row for each measurement: earlier, now, difference, and why one is missing."""
    rows = {
        f"{change.name}, {change.unit}": {
            "earlier": _number(change.then),
            "now": _number(change.now),
            "difference": _number(change.difference, "+"),
            "noise": f"±{change.noise}",
            "beyond noise": "yes" if change.beyond_noise else "",
            "unsure": _unsure(change),
        }
        for change in changes
    }
    table = pd.DataFrame.from_dict(rows, orient="index")
    return _without_empty(_without_empty(table, "unsure"), "beyond noise")


def _unit(change: MeasurementChange) -> str:
    return change.unit if change.unit == DEGREES else f" {change.unit}"


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
    with st.expander("All findings of either ECG"):
        table = findings_table(changes)
        if table.empty:
            st.caption("No statement is likely or possible on either ECG.")
            return
        st.table(table)
        st.caption(OF_FINDINGS)


def findings_table(changes: Sequence[FindingChange]) -> pd.DataFrame:
    """Return a row for each finding of either ECG: what is new, what is gone, what is in both."""
    rows = {
        change.now.statement.named: {
            "": kind,
            "probability": _cell(_probabilities(change)),
            "threshold": _cell(max((_numbers(finding)[1] for finding in _both(change)), key=len)),
            "evidence": "low evidence" if change.now.low_evidence else "",
        }
        for kind in LISTED
        for change in of_kind(changes, kind)
    }
    if not rows:
        return pd.DataFrame()
    return _without_empty(pd.DataFrame.from_dict(rows, orient="index"), "evidence")


def _both(change: FindingChange) -> tuple[Finding, Finding]:
    return change.then, change.now


def _numbers(finding: Finding) -> tuple[str, str]:
    return wording.distinct_probabilities(finding.probability, finding.threshold)


def _cell(value: str) -> str:
    # A cell is Markdown, in which ">99 %" would be a quotation; a narrow one breaks at spaces.
    return words.plain(value).replace(" ", "\N{NO-BREAK SPACE}")


def _parts(changes: Sequence[FindingChange], change: FindingChange, bundle: Bundle) -> None:
    st.markdown("#### What changed about a finding")
    _choose(changes, change.code)
    if not change.matches:
        st.info("No case speaks for or against this statement in either ECG.")
        return
    st.markdown(words.plain(change_adds_up(change, bundle.labels)) or "Nothing worth a word.")
    with st.expander(
        "The exact change", key="change_sum", on_change="rerun", bind="query-params"
    ) as opened:
        if opened.open:
            figure = change_figure(change, theme=frame.theme())
            drawing.show(figure, key="change", alt=describe_change(change))
            st.caption(OF_PARTS)


def _choose(changes: Sequence[FindingChange], code: str) -> None:
    """Offer all statements, what came or went first; the page's URL holds the choice."""
    ordered = {
        change.code: change for kind in (*LISTED, ABSENT) for change in of_kind(changes, kind)
    }
    st.session_state["change choice"] = code
    st.selectbox(
        "Statement",
        list(ordered),
        format_func=lambda code: _in_the_list(ordered[code]),
        key="change choice",
        on_change=_take,
    )


def _in_the_list(change: FindingChange) -> str:
    return f"{change.now.statement.named} · {change.kind} · {_probabilities(change)}"


def _probabilities(change: FindingChange) -> str:
    return " → ".join(_numbers(finding)[0] for finding in _both(change))


def _take() -> None:
    st.query_params["finding"] = st.session_state["change choice"]
    st.query_params.pop("match", None)
