"""The models on this machine: listed, loaded, chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shell import source_ecgs, words
from protoecg.bundle import Bundle, load_bundle
from protoecg.prototypes.manifest import (
    FILE,
    BundleError,
    Manifest,
    read_manifest,
    read_prototypes,
)
from protoecg.prototypes.prototype import Prototype
from protoecg.prototypes.sets import PrototypeSet, load_set
from protoecg.storage import folders

PARAMETER, WIDGET, CHOSEN = "bundle", "model", "chosen model"
WITHOUT_NETWORK = (
    "“{}” holds prototypes without a network, which this page needs: look at them on Library, rate "
    "them on Rate and in studies. Another model is shown here."
)

P = TypeVar("P", bound=PrototypeSet)


@dataclass(frozen=True)
class Choice:
    """A folder that should hold a bundle, and its manifest; None if that is damaged."""

    path: Path
    manifest: Manifest | None

    def is_simulated(self) -> bool:
        """Whether it holds a model of simulated ECGs."""
        return self.manifest is not None and self.manifest.simulated

    def lacks_network(self) -> bool:
        """Whether it holds prototypes alone, which can be rated, and no network."""
        return self.manifest is not None and not self.manifest.has_network

    def load(self) -> Bundle:
        """Return the bundle; raise its `BundleError`, or `OSError`."""
        return _load(self.path, _written_ns(self.path))

    def load_prototypes(self) -> PrototypeSet:
        """Return its prototypes, with their network if there is one; errors as in `load`."""
        if self.lacks_network():
            return _load_set(self.path, _written_ns(self.path))
        return self.load()


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


def choose(place: DeltaGenerator, *, simulated: bool = False) -> Bundle:
    """Show the choice of a model, kept in the URL; end the page without one.

    Parameters
    ----------
    place : where it is offered, as a button
    simulated : whether it is for a simulated ECG: these alone are a simulated model's, unless a
        person chooses otherwise
    """
    every = _choices()
    choices = _or_stop({n: choice for n, choice in every.items() if not choice.lacks_network()})
    preferred, asked = _preferred(choices, simulated), _asked()
    if asked in every and asked not in choices:
        # It stays chosen for the pages that can show it.
        st.info(WITHOUT_NETWORK.format(words.plain(_called(asked, every[asked]))))
    else:
        _keep(_other(choices, preferred))
    return _begun(choices[_ask(choices, preferred, place)].load)


def choose_prototypes(place: DeltaGenerator) -> PrototypeSet:
    """Show the choice of a model, or of prototypes without one; all else as in `choose`."""
    choices = _or_stop(_choices())
    preferred = _preferred(choices, simulated=False)
    _keep(_other(choices, preferred))
    return _begun(choices[_ask(choices, preferred, place)].load_prototypes)


def _or_stop(choices: dict[str, Choice]) -> dict[str, Choice]:
    if not choices:
        st.error(
            f"There is no model in {folders.models()}. Train the demonstration with `make demo`, "
            "or name another folder in PROTOECG_MODELS.",
            icon=":material/error:",
        )
        st.stop()
    return choices


def _begun(load: Callable[[], P]) -> P:
    """Load a choice and begin to fetch its ECGs; end the page where it cannot be used."""
    try:
        found = load()
    except (BundleError, OSError) as error:
        st.error(words.of_server(error), icon=":material/error:")
        st.info("Choose another model.")
        st.stop()
    source_ecgs.begin(found)
    return found


def _ask(choices: Mapping[str, Choice], preferred: str, place: DeltaGenerator) -> str:
    """Return the model that was chosen, else the preferred one, which then follows the ECG."""
    # The URL holds the choice: what a widget keeps by itself would outlive another ECG.
    st.session_state[WIDGET] = shown = _other(choices, preferred) or preferred
    label = f"Model: {words.plain(_called(shown, choices[shown]))}"
    with place.popover(label, icon=":material/network_node:"):
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


def _asked() -> str:
    return st.query_params.get(PARAMETER) or st.session_state.get(CHOSEN) or ""


def _other(choices: Mapping[str, Choice], preferred: str) -> str | None:
    """Return the choice that a person made, None where it is the preferred one anyhow."""
    asked = _asked()
    return asked if asked in choices and asked != preferred else None


def _keep(chosen: str | None) -> None:
    st.session_state[CHOSEN] = chosen
    if chosen:
        st.query_params[PARAMETER] = chosen
    else:
        st.query_params.pop(PARAMETER, None)


def _called(name: str, choice: Choice) -> str:
    return f"{choice.manifest.name} ({name})" if choice.manifest else f"{name}: cannot be used"


def of_version(name: str, fingerprint: str) -> PrototypeSet | None:
    """Return the prototypes of this name and version, or None where no folder holds them whole."""
    wanted = (name, fingerprint)
    found = _whole(lambda manifest: (manifest.name, manifest.fingerprint) == wanted)
    return next(found, None)


def first_simulated() -> Bundle | None:
    """Return the first model of simulated ECGs, or None where there is none that works."""
    found = _whole(lambda manifest: manifest.simulated and manifest.has_network)
    return next((one for one in found if isinstance(one, Bundle)), None)


def _whole(is_wanted: Callable[[Manifest], bool]) -> Iterator[PrototypeSet]:
    for choice in _choices().values():
        if choice.manifest is not None and is_wanted(choice.manifest):
            with suppress(BundleError, OSError):
                yield choice.load_prototypes()


def badge(bundle: PrototypeSet) -> None:
    """Mark prototypes that are simulated ECGs as such."""
    if bundle.simulated:
        st.badge("simulated", icon=":material/science:", color="orange")


def _choices() -> dict[str, Choice]:
    folders_of_bundles = folders.of_models(FILE)
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


@st.cache_resource(max_entries=32, show_spinner="Loading the prototypes")
def _load_set(path: Path, written_ns: int) -> PrototypeSet:
    return load_set(path)


def _preferred(choices: Mapping[str, Choice], simulated: bool) -> str:
    """Name the first model of the kind, else of the other kind, else prototypes, else any."""

    def lacks(name: str) -> tuple[bool, bool, bool]:
        choice = choices[name]
        other_kind = choice.is_simulated() != simulated
        return choice.manifest is None, choice.lacks_network(), other_kind

    return min(choices, key=lacks)
