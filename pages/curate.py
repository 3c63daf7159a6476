"""Curate: a coordinator retires prototypes by their ratings, and chooses what replaces them."""

from __future__ import annotations

import streamlit as st

from pages.curation import bundle as new_bundle
from pages.curation import choices, decisions, desks
from pages.curation import rule as stated
from pages.ecg import tracing
from pages.shell import frame, models, reviews, words
from pages.shell.access import blinding, coordinators
from protoecg.prototypes.curation import CurationError, Proposals, Rule
from review_db.curation.proposals import propose
from review_db.findings.opinions import opinions


def _why(rule: Rule, proposals: Proposals) -> str:
    """Say why a rule retires nothing."""
    if not proposals.rated:
        return (
            ": nobody has rated a prototype of this model yet. Ratings come from Rate and studies"
        )
    if rule.retires_nothing:
        return ": all its limits are off"
    return ": no prototype was judged as badly as that by as many reviewers"


def main() -> None:
    """Lay out the page."""
    frame.guard("Curate")
    # Everybody's ratings and comments are shown here, and bundles made.
    if not coordinators.admitted():
        return
    row = frame.titled("Curate")
    bundle = models.choose(row)
    blinding.refuse(bundle)
    with row:
        models.badge(bundle)
        view = tracing.choose()
    rule = stated.ask()
    with reviews.database() as engine:
        table = opinions(engine)
        reviews.show_left_out(engine)
    try:
        proposals = propose(rule, bundle.prototypes, table)
    except CurationError as error:
        st.info(words.plain(str(error)), icon=":material/info:")
        return
    st.caption(proposals.counted(len(bundle.prototypes)))
    if not proposals.retired:
        st.info(f"The rule retires nothing{_why(rule, proposals)}.", icon=":material/info:")
        return
    desk = desks.desk(bundle, bundle.revision)
    try:
        decisions.table(bundle, proposals, choices.decided(bundle))
        decisions.show(bundle, desk, proposals, rule, view)
        with st.container(key="tally"):
            new_bundle.tally(bundle, desk, proposals, rule)
    except CurationError as error:
        st.error(words.plain(str(error)), icon=":material/error:")
        return
    new_bundle.make(bundle, desk, proposals, rule)


main()
