"""Facts of a model in words: what it is, what it was trained on; and what is not known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from pages.shell import words
from protoecg.bundle import Bundle
from protoecg.card import tables
from protoecg.labels import BRANCHES

MISSING = "not measured for this bundle"
UNSTATED = "not stated in this bundle"


def identity(bundle: Bundle) -> dict[str, str]:
    """Return what a model is."""
    counts = [
        f"{sum(p.branch == branch for p in bundle.prototypes)} {branch}" for branch in BRANCHES
    ]
    files = [file for file in bundle.path.rglob("*") if file.is_file()]
    size = sum(file.stat().st_size for file in files) / 1e6
    return {
        "Name": bundle.name,
        "Written": tables.text(bundle.about, "created")[:10],
        "Statements": str(len(bundle.statements)),
        "Prototypes": f"{len(bundle.prototypes)} ({', '.join(counts)})",
        "Size": f"{size:.1f} MB",
        "Revision": bundle.revision,
        "Prototypes' fingerprint": bundle.fingerprint,
        "Made with": _versions(bundle.about),
        "Licence of the weights": tables.text(bundle.about, "licence", "weights"),
    }


def _versions(about: Mapping[str, Any]) -> str:
    tools = {
        name: tables.text(about, key) for name, key in (("Python", "python"), ("PyTorch", "torch"))
    }
    return ", ".join(f"{name} {version}" for name, version in tools.items() if version)


def data(bundle: Bundle) -> dict[str, str]:
    """Return what a model was trained on."""
    about = bundle.about
    return {
        "Data set": tables.text(about, "data"),
        "Kind": "simulated ECGs" if bundle.simulated else "recorded ECGs",
        "Trained on": _ecgs(about, "training_ecgs", "train_folds"),
        "Validated on": _ecgs(about, "validation_ecgs", "validation_folds"),
        **_calibrated(bundle),
        "Checksum of records and labels": tables.text(about, "data_sha256")[:16],
        "Random seed": tables.text(about, "config", "seed"),
        "Licence of the data": tables.text(about, "licence", "data"),
    }


def _calibrated(bundle: Bundle) -> dict[str, str]:
    """Name the ECGs of other hospitals that set its thresholds, where some did."""
    named = ", ".join(done.words for done in bundle.recalibrations)
    return {"Calibrated at": named} if named else {}


def _ecgs(about: Mapping[str, Any], count: str, folds: str) -> str:
    ecgs = tables.number(about, count)
    if ecgs is None:
        return ""
    numbered = [f"{fold:.0f}" for fold in tables.numbers(about, "config", folds)]
    return f"{ecgs:,.0f} ECGs (fold{'s' if len(numbered) > 1 else ''} {', '.join(numbered)})"


def show(facts: Mapping[str, str]) -> None:
    """List facts by their names; what is empty is shown as unknown."""
    st.markdown(
        "\n".join(
            f"- {name}: **{words.plain(value)}**" if value else f"- {name}: *{UNSTATED}*"
            for name, value in facts.items()
        )
    )


def missing(what: str) -> None:
    """Say that something was not measured."""
    st.info(f"{what}: {MISSING}.", icon=":material/info:")
