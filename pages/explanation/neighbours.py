"""The training ECGs nearest to a match's window, and one of them laid over it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from pages.ecg import drawing
from pages.shell import source_ecgs, words
from protoecg import wording
from protoecg.bundle import Bundle
from protoecg.ecg import ECG
from protoecg.evidence.neighbours import (
    HEAD,
    ROUNDING,
    Neighbour,
    NeighboursError,
    TrainingECGs,
    nearest,
    read_neighbours,
)
from protoecg.explanation import Finding, Match
from protoecg.sheet.view import View

HELP = (
    "All training ECGs, not only prototypes, by the model's own similarity to the marked window of "
    "this ECG; one a patient. The similarities are rounded: off by up to "
    f"{ROUNDING}. The model learned from these ECGs' labels: what they carry shows what "
    "it goes by, and is no second opinion."
)
MISSED = (
    "Of each training ECG only {kept} windows are compared, so ECGs that come nearer than some of "
    "these are often missed."
)


def show(key: str, ecg: ECG, bundle: Bundle, finding: Finding, match: Match, view: View) -> None:
    """Tell what the nearest training ECGs are labelled with; `key` names the ECG."""
    st.markdown("#### Nearest ECGs of the training data", help=HELP)
    try:
        ecgs = _index(bundle.path, bundle.revision, _written_ns(bundle), bundle)
    except NeighboursError as reason:
        st.warning(words.plain(str(reason)), icon=":material/warning:")
        return
    if ecgs is None:
        st.caption(
            "This model brings no index of its training ECGs. Where its training data are, "
            "`python -m training neighbours` makes one."
        )
        return
    found = _nearest(key, bundle.path, bundle.revision, match, ecg, bundle, ecgs)
    st.markdown(summary(found, finding.code, ecgs.labelled(bundle, finding.code), len(ecgs)))
    if (kept := ecgs.cells[match.prototype.branch].shape[1]) > 1:
        st.caption(MISSED.format(kept=kept))
    if found[0].similarity > 1 - ROUNDING:
        st.caption("The nearest is this ECG itself or all but the same, so it says nothing new.")
    st.table(table(found, finding.code))
    chosen = st.selectbox(
        "Lay one of them over this ECG",
        range(len(found)),
        index=None,
        format_func=lambda place: f"{place + 1} · {found[place].record}",
        placeholder="Choose one",
        key=f"neighbour {match.prototype.name}",
    )
    if chosen is not None:
        _lay_over(ecg, bundle, match, found[chosen], view)


def summary(found: Sequence[Neighbour], code: str, labelled: int, total: int) -> str:
    """Say how many of the nearest carry a statement, and how many of all do."""
    carry = sum(code in neighbour.statements for neighbour in found)
    return (
        f"**{carry} of the {len(found)} nearest** are labelled {words.named(code)}; of all "
        f"{total:,} training ECGs {wording.probability(labelled / total)} are."
    )


def table(found: Sequence[Neighbour], code: str) -> pd.DataFrame:
    """Return a row for each neighbour, the nearest first."""
    rows = [
        {
            "similarity": wording.signed(neighbour.similarity),
            code: "yes" if code in neighbour.statements else "no",
            "labelled": ", ".join(neighbour.statements) or "nothing",
            "patient": words.patient(neighbour),
            "window": wording.window(neighbour.window_s),
            "record": words.plain(neighbour.record),
        }
        for neighbour in found
    ]
    return pd.DataFrame(rows, index=pd.RangeIndex(1, len(found) + 1))


def _lay_over(ecg: ECG, bundle: Bundle, match: Match, neighbour: Neighbour, view: View) -> None:
    source = source_ecgs.load(bundle, neighbour)
    if source is None and bundle.simulated:
        st.info(
            "A simulated bundle brings the ECGs of its prototypes alone, and this one is none of "
            "them: it cannot be drawn.",
            icon=":material/image:",
        )
        return
    if source is None:
        source_ecgs.tell_missing(bundle, [neighbour], "The training ECG")
    else:
        drawing.show_comparison(
            ecg,
            match.window_s,
            source,
            neighbour.window_s,
            view=view,
            labels=("this ECG", "training ECG"),
            key="neighbour",
        )


def _written_ns(bundle: Bundle) -> int:
    head = bundle.path / HEAD
    return head.stat().st_mtime_ns if head.is_file() else 0


# The time of writing is part of the key: an index that was made anew is read anew.
@st.cache_resource(max_entries=4, show_spinner=False)
def _index(path: Path, revision: str, written_ns: int, _bundle: Bundle) -> TrainingECGs | None:
    return read_neighbours(_bundle)


@st.cache_data(max_entries=256, show_spinner=False)
def _nearest(
    key: str,
    path: Path,
    revision: str,
    match: Match,
    _ecg: ECG,
    _bundle: Bundle,
    _ecgs: TrainingECGs,
) -> tuple[Neighbour, ...]:
    return nearest(_ecg, _bundle, match, _ecgs)
