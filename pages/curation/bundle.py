"""What the chosen changes do, and the bundle that is made of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, replace

import pandas as pd
import streamlit as st

from pages.curation.choices import BEST, KEEP, NONE, decided
from pages.curation.decisions import PROBLEM, show_problem, window
from pages.curation.desks import Making, Step, makings
from pages.shell import words
from pages.shell.access import coordinators
from protoecg.bundle import Bundle
from protoecg.prototypes.curation import Proposals, Rule, curations
from protoecg.storage import folders
from review_db import RatingsError
from training.curate.candidates import Candidate
from training.curate.desk import Desk
from training.curate.study import design

EVERY_S = 2.0
AREAS = ["AUROC, training ECGs", "Then "]
DRAFT = "newcomers.toml"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}", re.ASCII)
BY_INDEX = (
    "Of each statement that changes, how well its prototypes and those against it rank the "
    "training ECGs, fitted anew, by the index of latents: to compare choices, not to believe. The "
    "finished bundle is measured on validation ECGs."
)
ALONE = (
    "To replace what was rated lowest raises the mean rating by itself: low ratings are low by "
    "chance as well. Only reviewers who did not decide can say whether the newcomers are better."
)


def tally(bundle: Bundle, desk: Desk, proposals: Proposals, rule: Rule) -> None:
    """Show what the changes that were decided do to each statement."""
    st.markdown("**What the changes do so far**", help=BY_INDEX)
    chosen = _chosen(bundle, desk, proposals, rule)
    if not chosen:
        st.caption("Nothing was looked at yet. Choose a prototype above.")
        return
    rows = [
        (bundle.labels.named(t.statement), t.before, t.after, t.auroc_before, t.auroc_after)
        for t in desk.tally(chosen)
    ]
    columns = ["Statement", "Prototypes", "Then", *AREAS]
    _table(rows, columns, AREAS)


def make(bundle: Bundle, desk: Desk, proposals: Proposals, rule: Rule) -> None:
    """Offer to make the bundle, or show how far it is."""
    number = len(curations(bundle.about)) + 1
    name = st.text_input("Folder of the new bundle", f"{bundle.path.name}-curated-{number}")
    if not _NAME.fullmatch(name):
        st.error("Name it by letters, digits, '_' and '-'.")
        return
    out = folders.models() / name
    if desk.root is None:
        st.caption(
            ":material/info: The data set is not on this server: the bundle can be made, but its "
            "thresholds stay as they are, and nothing of it is measured."
        )
    st.caption(ALONE)
    making = makings().get(out)
    running = making is not None and making.running
    st.button(
        "Make the bundle",
        type="primary",
        disabled=running,
        on_click=_begin,
        args=(desk, proposals, _as_decided(bundle, proposals, rule), name),
    )
    show_problem()
    if making is not None:
        st.fragment(_progress, run_every=EVERY_S if running else None)(making)


def _begin(desk: Desk, proposals: Proposals, rule: Rule, name: str) -> None:
    try:
        coordinators.confirm()
    except RatingsError as error:
        st.session_state[PROBLEM] = str(error)
        return
    out = folders.models() / name
    kept = tuple(p for p in proposals.retired if p.prototype not in rule.keep)
    makings()[out] = Making(desk, replace(proposals, retired=kept), rule, out)


def _progress(making: Making) -> None:
    with st.container(border=True):
        for line in list(making.lines):
            st.caption(words.plain(line))
        if making.running:
            _under_way(making.step)
            return
        if making.problem:
            st.error(words.plain(making.problem), icon=":material/error:")
            return
        st.success("The bundle is made. Choose it as the model on any page.")
        _compared(making)
        _offer_draft(making)


def _under_way(step: Step | None) -> None:
    if step is None:
        st.markdown(":material/hourglass: Under way")
    else:
        st.progress(step.done / step.total, step.words)


def _offer_draft(making: Making) -> None:
    """Offer the design of a study in which reviewers rate the newcomers."""
    made = making.made
    if made is None or not any(change.new for change in curations(made.about)[-1].changes):
        return
    st.download_button(
        "Design of a study of the newcomers",
        design(made, DRAFT, str(making.out)),
        DRAFT,
        "application/toml",
        icon=":material/download:",
        on_click="ignore",
        help="A TOML file for Studies: the newcomers, blind, beside as many that stayed. "
        "Change its reviewers: those who decided should not be the only ones.",
    )


def _compared(making: Making) -> None:
    parts = making.comparison.get("per_part")
    if not isinstance(parts, dict):
        return
    rows = [
        (name, metrics["before"], metrics["after"], metrics["difference"], *metrics["interval"])
        for name, metrics in parts.items()
    ]
    st.markdown("Macro AUROC on the validation ECGs, which also calibrate: it flatters both")
    figures = ["Before", "After", "Difference", "95 % from", "to"]
    _table(rows, ["", *figures], figures)


def _table(rows: Sequence[Sequence[object]], columns: Sequence[str], areas: Sequence[str]) -> None:
    """Show rows, the areas among their columns with four digits."""
    four = {column: st.column_config.NumberColumn(format="%.4f") for column in areas}
    shown = pd.DataFrame(rows, columns=list(columns))
    st.dataframe(shown, hide_index=True, height="content", column_config=four)


def _chosen(
    bundle: Bundle, desk: Desk, proposals: Proposals, rule: Rule
) -> dict[str, Candidate | None]:
    """Return what takes the place of each prototype of which something was decided."""
    decisions = decided(bundle)
    chosen: dict[str, Candidate | None] = {}
    for name in (p.prototype for p in proposals.retired if p.prototype in decisions):
        if decisions[name] == NONE:
            chosen[name] = None
        elif decisions[name] != KEEP:
            found = desk.candidates(name, proposals, rule).candidates
            by_window = {BEST: found[0] if found else None} | {window(c): c for c in found}
            chosen[name] = by_window.get(decisions[name])
    return chosen


def _as_decided(bundle: Bundle, proposals: Proposals, rule: Rule) -> Rule:
    """Return the rule with what was decided by eye."""
    decisions = decided(bundle)
    names = {proposal.prototype for proposal in proposals.retired} & set(decisions)
    by_eye = {n: decisions[n] for n in names if decisions[n] not in (BEST, KEEP)}
    chosen = {name: "" if choice == NONE else choice for name, choice in by_eye.items()}
    kept = tuple(sorted(name for name in names if decisions[name] == KEEP))
    return Rule(**{**asdict(rule), "chosen": chosen, "keep": kept, "candidates": rule.candidates})
