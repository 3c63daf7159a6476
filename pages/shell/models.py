"""The bundle that is looked at: listed, loaded, chosen, and its source ECGs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from pages.shell import words
from protoecg import folders
from protoecg.bundle import Bundle, load_bundle
from protoecg.ecg import ECG
from protoecg.prototypes.manifest import BundleError
from protoecg.prototypes.prototype import SourceECG
from protoecg.prototypes.waveforms import Waveforms, WaveformUnavailable

PARAMETER, ASKED = "bundle", "asked bundle"


@dataclass(frozen=True)
class Choice:
    """A folder that should hold a bundle: the bundle, or why it cannot be used."""

    bundle: Bundle | None
    problem: str = ""


def choose() -> Bundle:
    """Show the choice of a bundle in the sidebar, kept in the URL; stop the page without one."""
    choices = {path.name: _choice(path) for path in _folders()}
    if (asked := st.session_state.pop(ASKED, None)) in choices:
        st.session_state[PARAMETER] = asked
    if not choices:
        st.error(
            f"There is no model in {folders.models()}. Train the demonstration with `make demo`, "
            "or name another folder in PROTOECG_MODELS.",
            icon=":material/error:",
        )
        st.stop()
    with st.sidebar:
        names = list(choices)
        name = st.selectbox(
            "Model",
            names,
            index=names.index(_preferred(choices)),
            key=PARAMETER,
            bind="query-params",
            help="A trained model with its prototypes. " + words.PROTOTYPE,
        )
        bundle = choices[name].bundle
        if bundle is not None:
            _describe(bundle, choices)
    if bundle is None:
        st.error(words.plain(choices[name].problem), icon=":material/error:")
        st.info("Choose another model in the sidebar.")
        st.stop()
    return bundle


def ask(bundle: Bundle) -> None:
    """Have the page that is opened next begin with a bundle; its URL cannot name it from here."""
    st.session_state[ASKED] = bundle.path.name


def of_version(name: str, fingerprint: str) -> Bundle | None:
    """Return the bundle of this name and version, or None where no folder holds it."""
    bundles = [choice.bundle for choice in map(_choice, _folders()) if choice.bundle is not None]
    wanted = (name, fingerprint)
    return next((b for b in bundles if (b.name, b.fingerprint) == wanted), None)


def badge(bundle: Bundle) -> None:
    """Mark a bundle of simulated ECGs as such."""
    if bundle.simulated:
        st.badge("simulated", icon=":material/science:", color="orange")


def waveforms(bundle: Bundle) -> Waveforms:
    """Return where a bundle's source ECGs are."""
    return Waveforms.for_bundle(bundle.path, bundle.simulated)


def source_ecg(bundle: Bundle, source: SourceECG) -> ECG | None:
    """Return a prototype's or neighbour's ECG; where it cannot be had, say so and what to do."""
    try:
        return waveforms(bundle).load(source)
    except WaveformUnavailable as reason:
        st.warning(f"The picture of {source.name} is missing. {reason}", icon=":material/image:")
    if not bundle.simulated and st.button("Get this ECG", key=f"get {source.name}"):
        _get_one(bundle, source)
    return None


def _get_one(bundle: Bundle, source: SourceECG) -> None:
    try:
        with st.spinner(f"Getting {source.record}"):
            waveforms(bundle).load(source, online=True)
    except WaveformUnavailable as reason:
        st.error(str(reason), icon=":material/error:")
        return
    _available.clear()
    st.rerun()


def _folders() -> list[Path]:
    return sorted(file.parent for file in folders.models().glob("*/bundle.json"))


def _choice(path: Path) -> Choice:
    try:
        return Choice(_load(path, (path / "bundle.json").stat().st_mtime_ns))
    except (BundleError, OSError) as error:
        return Choice(None, str(error))


# The time of writing is part of the key: a bundle that was trained anew is loaded anew.
@st.cache_resource(max_entries=4, show_spinner="Loading the model")
def _load(path: Path, written_ns: int) -> Bundle:
    return load_bundle(path)


@st.cache_resource(max_entries=8, ttl=600, show_spinner=False)
def _available(path: Path, fingerprint: str, _bundle: Bundle) -> int:
    return waveforms(_bundle).available(_bundle.prototypes)


def _had(bundle: Bundle) -> int:
    return _available(bundle.path, bundle.fingerprint, bundle)


def _preferred(choices: Mapping[str, Choice]) -> str:
    """Name the real bundle whose ECGs are all here, else a simulated one, else any that works."""
    usable = {name: choice.bundle for name, choice in choices.items() if choice.bundle}
    real = [name for name, bundle in usable.items() if not bundle.simulated]
    ready = [name for name in real if _had(usable[name]) == len(usable[name].prototypes)]
    simulated = [name for name, bundle in usable.items() if bundle.simulated]
    return [*ready, *simulated, *real, *choices][0]


def _describe(bundle: Bundle, choices: Mapping[str, Choice]) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(bundle.name, width="content")
        badge(bundle)
    waiting = [
        (name, choice.bundle)
        for name, choice in choices.items()
        if choice.bundle is not None
        and not choice.bundle.simulated
        and _had(choice.bundle) < len(choice.bundle.prototypes)
    ]
    for name, other in waiting:
        _offer_ecgs(name, other, chosen=other is bundle)


def _offer_ecgs(name: str, bundle: Bundle, *, chosen: bool) -> None:
    had, total = _had(bundle), len(bundle.prototypes)
    why = "" if chosen else f"The model {name}, made from real ECGs, is not the first choice yet: "
    st.caption(
        f"{why}{had} of {total} ECGs of {'its' if not chosen else 'this model’s'} prototypes are "
        "on this machine. Set `PROTOECG_PTBXL` to a folder with PTB-XL, run "
        f"`python -m protoecg fetch {_shown(bundle.path)}`, or:"
    )
    if st.button("Get the prototypes' ECGs", key=f"fetch {name}"):
        _fetch_all(bundle)


def _fetch_all(bundle: Bundle) -> None:
    bar = st.progress(0.0, "Getting the prototypes' ECGs")
    try:
        for had, total in waveforms(bundle).fetch_all(bundle.prototypes):
            bar.progress(had / total, f"{had} of {total} ECGs")
    except WaveformUnavailable as reason:
        st.error(str(reason), icon=":material/error:")
        _available.clear()
        return
    _available.clear()
    st.rerun()


def _shown(path: Path) -> Path:
    project = folders.project()
    return path.relative_to(project) if path.is_relative_to(project) else path
