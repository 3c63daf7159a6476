"""The ECGs behind prototypes: those that are here, and one line on what is missing and why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st

from pages.shell import words
from pages.shell.background_fetch import BackgroundFetch
from protoecg.ecg import ECG
from protoecg.prototypes.prototype import SourceECG
from protoecg.prototypes.sets import PrototypeSet
from protoecg.prototypes.waveforms import Waveforms, WaveformUnavailable, may_fetch
from protoecg.storage import folders

EVERY_S = 2.0
PROTOTYPES = "The prototype's ECG"
WHAT_TO_DO = (
    "Where PTB-XL 1.0.3 is on this machine, name its folder in `PROTOECG_PTBXL`. Where there is a "
    "network, `python -m protoecg fetch {bundle}` gets these ECGs."
)


def waveforms(bundle: PrototypeSet) -> Waveforms:
    """Return where a bundle's source ECGs are."""
    return Waveforms.for_bundle(bundle.path, bundle.self_contained)


def begin(bundle: PrototypeSet) -> None:
    """Begin to fetch what is missing of a bundle's ECGs, if nothing has begun it yet."""
    _fetching_of(bundle)


def load(bundle: PrototypeSet, source: SourceECG) -> ECG | None:
    """Return a source ECG; None where it is not here, and it is then fetched before the others."""
    try:
        return waveforms(bundle).load(source)
    except WaveformUnavailable:
        if fetching := _fetching_of(bundle):
            fetching.prefer(source)
        return None


def show_missing(
    bundle: PrototypeSet, missing: Sequence[SourceECG], what: str = PROTOTYPES
) -> None:
    """Say in one line what is missing and why; the page runs anew when one of them has come.

    Parameters
    ----------
    what : the missing ECGs in words
    """
    fetching = _fetching_of(bundle)
    if fetching is None:
        _say_why(what, _why_not_fetched(bundle), bundle)
        return
    awaited = [source for source in missing if fetching.is_awaited(source)]
    refusals = (fetching.refusal(source) for source in missing)
    if awaited:
        st.fragment(_under_way, run_every=EVERY_S)(fetching, bundle, awaited, what)
    elif why := next(filter(None, refusals), fetching.progress.problem):
        _say_why(what, "It cannot be fetched either.", bundle, why)
        _offer_again(fetching, what)
    else:
        # It has come since it was looked for.
        st.rerun()


def _under_way(
    fetching: BackgroundFetch, bundle: PrototypeSet, awaited: Sequence[SourceECG], what: str
) -> None:
    if not all(map(fetching.is_awaited, awaited)):
        st.rerun()
    progress = fetching.progress
    host = urlsplit(waveforms(bundle).physionet or "").hostname
    if progress.problem:
        why = f"No connection to {host}; it is tried again by itself."
        _say_why(what, why, bundle, progress.problem)
        _offer_again(fetching, what)
        return
    st.progress(
        progress.done / progress.total,
        f"Getting the prototypes' ECGs from {host}: {progress.done} of {progress.total}",
    )


def _offer_again(fetching: BackgroundFetch, what: str) -> None:
    st.button(
        "Try again",
        icon=":material/refresh:",
        type="tertiary",
        key=f"fetch again {what}",
        on_click=fetching.try_again,
    )


def _say_why(what: str, why: str, bundle: PrototypeSet, details: str = "") -> None:
    to_do = "" if bundle.self_contained else WHAT_TO_DO.format(bundle=_shown(bundle.path))
    st.caption(
        f":material/image_not_supported: {what} cannot be drawn: not on this machine. "
        f"{words.plain(why)}",
        help=" ".join(filter(None, [words.plain(details), to_do])) or None,
    )


def _why_not_fetched(bundle: PrototypeSet) -> str:
    if bundle.self_contained:
        return f"The model is incomplete: restore the folder {_shown(bundle.path)}/waveforms."
    return "Fetching is turned off here (PROTOECG_FETCH)."


def _fetching_of(bundle: PrototypeSet) -> BackgroundFetch | None:
    if bundle.self_contained or not may_fetch():
        return None
    return _fetching(bundle.path, bundle.fingerprint, bundle)


@st.cache_resource(show_spinner=False)
def _fetching(path: Path, fingerprint: str, _bundle: PrototypeSet) -> BackgroundFetch:
    fetching = BackgroundFetch(waveforms(_bundle), _bundle.prototypes)
    fetching.start()
    return fetching


def _shown(path: Path) -> Path:
    project = folders.project()
    return path.relative_to(project) if path.is_relative_to(project) else path
