"""The training ECGs nearest to a match's window: cases that decide nothing, and what they carry."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from pages.shell import words
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
from protoecg.explanation import Match
from protoecg.labels import Statement

HELP = (
    "All training ECGs, not only the cases that the model decides by, as alike to the marked "
    "window of this ECG as the model finds them; one a patient. How alike is rounded: off by up to "
    f"{ROUNDING}. The model learned from these ECGs' labels: what they carry shows what "
    "it goes by, and is no second opinion."
)
MISSED = (
    "Of each training ECG only {kept} windows are compared, so ECGs that come nearer than some of "
    "these are often missed."
)


def found(key: str, ecg: ECG, bundle: Bundle, match: Match) -> tuple[Neighbour, ...]:
    """Return the nearest training ECGs; none where the bundle's index is missing or damaged.

    Parameters
    ----------
    key : tells the ECG from others
    """
    try:
        ecgs = _index(bundle.path, bundle.revision, _written_ns(bundle), bundle)
    except NeighboursError:
        return ()
    if ecgs is None:
        return ()
    return _nearest(key, bundle.path, bundle.revision, match, ecg, bundle, ecgs)


def show_labels(
    bundle: Bundle, statement: Statement, branch: str, found: Sequence[Neighbour]
) -> None:
    """Say what the nearest training ECGs are labelled with, or why there are none."""
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
    st.markdown(
        summary(found, statement, ecgs.labelled(bundle, statement.code), len(ecgs)), help=HELP
    )
    if (kept := ecgs.cells[branch].shape[1]) > 1:
        st.caption(MISSED.format(kept=kept))
    if found[0].similarity > 1 - ROUNDING:
        st.caption("The model tells the nearest from this ECG by nothing: it may be this very ECG.")


def summary(found: Sequence[Neighbour], statement: Statement, labelled: int, total: int) -> str:
    """Say how many of the nearest carry a statement, and how many of all do."""
    carry = sum(statement.code in neighbour.statements for neighbour in found)
    return (
        f"**{carry} of the {len(found)} nearest** are labelled {statement.named}; of all "
        f"{total:,} training ECGs {wording.probability(labelled / total)} are."
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
