"""The models on this machine: listed, loaded, chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shell import source_ecgs, words
from protoecg import folders
from protoecg.bundle import Bundle, load_bundle
from protoecg.prototypes.manifest import (
    FILE,
    BundleError,
    Manifest,
    read_manifest,
    read_prototypes,
)
from protoecg.prototypes.prototype import Prototype

PARAMETER, WIDGET, CHOSEN = "bundle", "model", "chosen model"


@dataclass(frozen=True)
class Choice:
    """A folder that should hold a bundle, and what that says of itself; None if it is damaged."""

    path: Path
    manifest: Manifest | None

    def is_simulated(self) -> bool:
        """Whether it holds a model of simulated ECGs."""
        return self.manifest is not None and self.manifest.simulated

    def load(self) -> Bundle:
        """Return the bundle; raise its `BundleError`, or `OSError`."""
        return _load(self.path, _written_ns(self.path))


@dataclass(frozen=True)
class KnownPrototypes:
    """The prototypes of a bundle on this machine, not yet read."""

    path: Path
    manifest: Manifest

    @property
    def fingerprint(self) -> str:
        """Of the prototypes."""
        return self.manifest.fingerprint

    def load(self) -> tuple[Prototype, ...]:
        """Read them; none where they are damaged."""
        try:
            return read_prototypes(self.path, self.manifest)
        except (BundleError, OSError):
            return ()


def known_prototypes() -> list[KnownPrototypes]:
    """Return the prototypes of each bundle on this machine."""
    found = _choices().values()
    return [KnownPrototypes(c.path, c.manifest) for c in found if c.manifest is not None]


def choose(*, simulated: bool = False, place: DeltaGenerator | None = None) -> Bundle:
    """Show the choice of a model, kept in the URL; end the page without one.

    Parameters
    ----------
    simulated : whether it is for a simulated ECG: these alone are a simulated model's, unless a
        person chooses otherwise
    place : where it is offered as a button; else it stands in the sidebar
    """
    choices = _choices()
    if not choices:
        st.error(
            f"There is no model in {folders.models()}. Train the demonstration with `make demo`, "
            "or name another folder in PROTOECG_MODELS.",
            icon=":material/error:",
        )
        st.stop()
    name = _ask(choices, _preferred(choices, simulated), place)
    try:
        bundle = choices[name].load()
    except (BundleError, OSError) as error:
        st.error(words.plain(str(error)), icon=":material/error:")
        st.info("Choose another model.")
        st.stop()
    source_ecgs.begin(bundle)
    return bundle


def _ask(choices: Mapping[str, Choice], preferred: str, place: DeltaGenerator | None) -> str:
    """Return the model that was chosen, else the preferred one, which then follows the ECG."""
    asked = st.query_params.get(PARAMETER) or st.session_state.get(CHOSEN)
    chosen = asked if asked in choices and asked != preferred else None
    _keep(chosen)
    # The URL holds the choice: what a widget keeps by itself would outlive another ECG.
    st.session_state[WIDGET] = shown = chosen or preferred
    label = f"Model: {words.plain(_called(shown, choices[shown]))}"
    with place.popover(label, icon=":material/network_node:") if place else st.sidebar:
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
    return shown


def _keep(chosen: str | None) -> None:
    st.session_state[CHOSEN] = chosen
    if chosen:
        st.query_params[PARAMETER] = chosen
    else:
        st.query_params.pop(PARAMETER, None)


def _called(name: str, choice: Choice) -> str:
    return f"{choice.manifest.name} ({name})" if choice.manifest else f"{name}: cannot be used"


def of_version(name: str, fingerprint: str) -> Bundle | None:
    """Return the bundle of this name and version, or None where no folder holds it whole."""
    wanted = (name, fingerprint)
    return _first(lambda manifest: (manifest.name, manifest.fingerprint) == wanted)


def first_simulated() -> Bundle | None:
    """Return the first model of simulated ECGs, or None where there is none that works."""
    return _first(lambda manifest: manifest.simulated)


def _first(is_wanted: Callable[[Manifest], bool]) -> Bundle | None:
    for choice in _choices().values():
        if choice.manifest is not None and is_wanted(choice.manifest):
            with suppress(BundleError, OSError):
                return choice.load()
    return None


def badge(bundle: Bundle) -> None:
    """Mark a bundle of simulated ECGs as such."""
    if bundle.simulated:
        st.badge("simulated", icon=":material/science:", color="orange")


def _choices() -> dict[str, Choice]:
    folders_of_bundles = sorted(file.parent for file in folders.models().glob(f"*/{FILE}"))
    return {path.name: _choice(path) for path in folders_of_bundles}


def _choice(path: Path) -> Choice:
    try:
        return Choice(path, _manifest(path, _written_ns(path)))
    except (BundleError, OSError):
        return Choice(path, None)


def _written_ns(path: Path) -> int:
    return (path / FILE).stat().st_mtime_ns


# The time of writing is part of the keys: a bundle that was trained anew is read anew.
@st.cache_resource(max_entries=256, show_spinner=False)
def _manifest(path: Path, written_ns: int) -> Manifest:
    return read_manifest(path)


# Only models that somebody looks at are loaded, so as many stay as are in use at the same time.
@st.cache_resource(max_entries=8, show_spinner="Loading the model")
def _load(path: Path, written_ns: int) -> Bundle:
    return load_bundle(path)


def _preferred(choices: Mapping[str, Choice], simulated: bool) -> str:
    """Name the first model of the kind, else of the other kind, else any that cannot be used."""
    usable = [name for name, choice in choices.items() if choice.manifest is not None]
    of_kind = [name for name in usable if choices[name].is_simulated() == simulated]
    return [*of_kind, *usable, *choices][0]
