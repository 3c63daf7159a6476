"""The models on this machine: listed, loaded, chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from pages.shell import source_ecgs, words
from protoecg import folders
from protoecg.bundle import Bundle, load_bundle
from protoecg.prototypes.manifest import BundleError

PARAMETER, WIDGET, CHOSEN = "bundle", "model", "chosen model"


@dataclass(frozen=True)
class Choice:
    """A folder that should hold a bundle: the bundle, or why it cannot be used."""

    bundle: Bundle | None
    problem: str = ""


def choose(*, simulated: bool = False) -> Bundle:
    """Show the choice of a model in the sidebar, kept in the URL; end the page without one.

    Parameters
    ----------
    simulated : whether it is for a simulated ECG: these alone are a simulated model's, unless a
        person chooses otherwise
    """
    choices = {path.name: _choice(path) for path in _folders()}
    if not choices:
        st.error(
            f"There is no model in {folders.models()}. Train the demonstration with `make demo`, "
            "or name another folder in PROTOECG_MODELS.",
            icon=":material/error:",
        )
        st.stop()
    name = _ask(choices, _preferred(choices, simulated))
    bundle = choices[name].bundle
    if bundle is None:
        st.error(words.plain(choices[name].problem), icon=":material/error:")
        st.info("Choose another model in the sidebar.")
        st.stop()
    source_ecgs.begin(bundle)
    return bundle


def _ask(choices: Mapping[str, Choice], preferred: str) -> str:
    """Return the model that was chosen, else the preferred one, which then follows the ECG."""
    asked = st.query_params.get(PARAMETER) or st.session_state.get(CHOSEN)
    chosen = asked if asked in choices and asked != preferred else None
    _keep(chosen)
    # The URL holds the choice: what a widget keeps by itself would outlive another ECG.
    st.session_state[WIDGET] = chosen or preferred
    with st.sidebar:
        st.selectbox(
            "Model",
            list(choices),
            format_func=lambda name: _called(name, choices[name]),
            key=WIDGET,
            on_change=lambda: _keep(st.session_state[WIDGET]),
            help=f"A trained model with its prototypes. {words.PROTOTYPE} Unless you choose, "
            "simulated examples are explained by a model of simulated ECGs, and all others by one "
            "of real ECGs.",
        )
    return chosen or preferred


def _keep(chosen: str | None) -> None:
    st.session_state[CHOSEN] = chosen
    if chosen:
        st.query_params[PARAMETER] = chosen
    else:
        st.query_params.pop(PARAMETER, None)


def _called(name: str, choice: Choice) -> str:
    return f"{choice.bundle.name} ({name})" if choice.bundle else f"{name}: cannot be used"


def of_version(name: str, fingerprint: str) -> Bundle | None:
    """Return the bundle of this name and version, or None where no folder holds it."""
    bundles = [choice.bundle for choice in map(_choice, _folders()) if choice.bundle is not None]
    wanted = (name, fingerprint)
    return next((b for b in bundles if (b.name, b.fingerprint) == wanted), None)


def first_simulated() -> Bundle | None:
    """Return the first model of simulated ECGs, or None where there is none."""
    bundles = (choice.bundle for choice in map(_choice, _folders()))
    return next((bundle for bundle in bundles if bundle and bundle.simulated), None)


def badge(bundle: Bundle) -> None:
    """Mark a bundle of simulated ECGs as such."""
    if bundle.simulated:
        st.badge("simulated", icon=":material/science:", color="orange")


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


def _preferred(choices: Mapping[str, Choice], simulated: bool) -> str:
    """Name the first model of the kind, else of the other kind, else any that cannot be used."""
    bundles = {name: choice.bundle for name, choice in choices.items() if choice.bundle}
    of_kind = [name for name, bundle in bundles.items() if bundle.simulated == simulated]
    return [*of_kind, *bundles, *choices][0]
