"""Library: every prototype, where it comes from, and what the reviewers said."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.ecg import cases, origin, tracing
from pages.shell import frame, models, reviews, source_ecgs, words
from pages.shell.access import blinding, coordinators
from protoecg.card import tables
from protoecg.ecg import ECG
from protoecg.labels import BRANCHES, LabelSet
from protoecg.prototypes.curation import Change, newcomers
from protoecg.prototypes.prototype import Prototype
from protoecg.prototypes.sets import SOURCE, PrototypeSet
from protoecg.sheet.view import View
from review_db import RatingsError
from review_db.findings.opinions import opinions, summary
from review_db.ratings.results import prototype_summary


def main() -> None:
    """Lay out the page."""
    frame.guard("Library")
    row = frame.titled("Prototypes", words.PROTOTYPE)
    bundle = models.choose_prototypes(row)
    blinding.refuse(bundle)
    with row:
        models.badge(bundle)
    if source := tables.text(bundle.about, SOURCE):
        st.caption(words.plain(source))
    shown, view = _chosen(bundle)
    ecgs = {prototype.name: source_ecgs.load(bundle, prototype) for prototype in shown}
    if missing := [prototype for prototype in shown if ecgs[prototype.name] is None]:
        source_ecgs.show_missing(bundle, missing, "Some of these ECGs")
    ratings, came = _summary(bundle), newcomers(bundle.about)
    for number, prototype in enumerate(shown, start=1):
        change = came.get(prototype.name)
        title = f"{bundle.labels.named(prototype.statement)}, {number} of {len(shown)}"
        _card(title, prototype, ecgs[prototype.name], ratings, change, view, bundle.labels)


def _summary(bundle: PrototypeSet) -> pd.DataFrame | None:
    """Return the reviewers' ratings, None where they are not for the person at the screen."""
    if not coordinators.is_here():
        return None
    try:
        engine = reviews.opened()
        reviews.show_left_out(engine)
        table = summary(opinions(engine), {p.identity: p.name for p in bundle.prototypes})
        own = prototype_summary(engine, bundle=bundle.name, fingerprint=bundle.fingerprint)
        return table.assign(best=own["best"].reindex(table.index).fillna(0))
    except RatingsError as error:
        # Ratings are an extra here; without it the library is worth showing.
        st.warning(words.plain(str(error)), icon=":material/warning:")
        return pd.DataFrame()


def _take_code(bundle: PrototypeSet) -> None:
    """Let a link name a statement by its code, with or without its branch."""
    asked = st.query_params.get("statement")
    of_code = next((p for p in bundle.prototypes if p.statement == asked), None)
    if of_code is None:
        return
    # A widget takes from the URL only what it shows, which is the words.
    for name in ("branch", "statement"):
        st.query_params.pop(name, None)
        st.session_state[name] = getattr(of_code, name)


def _chosen(bundle: PrototypeSet) -> tuple[list[Prototype], View]:
    _take_code(bundle)
    there = dict.fromkeys(p.branch for p in bundle.prototypes)
    # Ours in their order, then those of others' models.
    branches = [b for b in BRANCHES if b in there] + [b for b in there if b not in BRANCHES]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        branch = st.segmented_control(
            "Branch",
            branches,
            default=branches[0],
            required=True,
            key="branch",
            bind="query-params",
        )
        of_branch = [p for p in bundle.prototypes if p.branch == branch]
        statements = list(dict.fromkeys(p.statement for p in of_branch))
        statement = st.selectbox(
            "Statement",
            statements,
            format_func=bundle.labels.named,
            key="statement",
            bind="query-params",
        )
        view = tracing.choose()
    return [p for p in of_branch if p.statement == statement], view


def _card(
    title: str,
    prototype: Prototype,
    ecg: ECG | None,
    ratings: pd.DataFrame | None,
    came: Change | None,
    view: View,
    labels: LabelSet,
) -> None:
    with st.container(border=True):
        st.markdown(f"#### {words.plain(title)}")
        st.caption(
            f"{words.plain(prototype.name)} · {origin.provenance(prototype)} · "
            f"{origin.other_statements(prototype, labels)}"
        )
        if known := origin.belief(prototype):
            st.caption(known)
        if came is not None:
            st.caption(f":material/published_with_changes: {_in_place(came, ratings is not None)}")
        if ratings is not None:
            st.markdown(_in_words(prototype, ratings))
        if ecg is not None:
            cases.show(
                ecg,
                prototype.window_s,
                labels.get(prototype.statement),
                view=view,
                key=f"ecg {prototype.name}",
            )


def _in_place(came: Change, may_see_ratings: bool) -> str:
    words_of = came.words if may_see_ratings else f"replaced {came.retired}"
    return words.plain(words.capitalised(words_of))


def _in_words(prototype: Prototype, ratings: pd.DataFrame) -> str:
    if prototype.name not in ratings.index:
        return "Reviewers: not rated yet"
    row = ratings.loc[prototype.name]
    facts = [f"{row.reviewers:.0f} reviewer{'s' if row.reviewers > 1 else ''}"]
    if pd.notna(row.accurate):
        facts.append(f"judged accurate by {100 * row.accurate:.0f} %")
    facts += [
        f"{scale} {row[scale]:.1f} of 5"
        for scale in ("representativeness", "clarity")
        if pd.notna(row[scale])
    ]
    facts += [f"{mark}: {row[mark]:.0f}" for mark in ("best", "bad") if row[mark]]
    if row.studies:
        facts.append("studies included")
    return "Reviewers: " + " · ".join(facts)


main()
