"""A study before it is made: what would be rated, how long it takes, and an item as it is met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from pages.ecg import tracing
from pages.shell import words
from pages.taking_part import items
from protoecg.prototypes.sets import PrototypeSet
from review_db.questions.catalogue import KINDS
from review_db.sessions.preview import previewed
from review_db.studies.allocation import allocate
from review_db.studies.design import Design
from review_db.studies.design.expected import expected_minutes
from review_db.studies.design.protocol import refuse_undecidable
from review_db.studies.items import StudyItem
from review_db.studies.items.material import Material
from review_db.studies.items.selection import APART, make_items, most_apart


def show(design: Design, material: Material, bundle: PrototypeSet) -> None:
    """Show what a design would make of the material.

    Raises
    ------
    DesignError
        If it cannot be made.
    """
    made = make_items(design, material)
    refuse_undecidable(design, made)
    _numbers(design, material, made)
    if not made:
        return
    kinds = list(dict.fromkeys(item.kind for item in made))
    kind = st.segmented_control(
        "As a reviewer meets it",
        kinds,
        default=kinds[0],
        required=True,
        format_func=lambda kind: words.capitalised(KINDS[kind].words),
    )
    item = previewed(next(one for one in made if one.kind == kind), design, material.bundle)
    pictures, asked = st.columns([5, 2], gap="medium")
    with pictures:
        view = tracing.choose()
        if ecgs := items.load(item, bundle):
            items.show(item, ecgs, view, bundle.labels)
    with asked:
        for question in item.questions:
            required = "" if question.key in item.required else " (may stay open)"
            st.markdown(f"**{question.text}**{required}")
            for number, anchor in enumerate(question.anchors, start=1):
                st.caption(f"{number}: {anchor}")


def _numbers(design: Design, material: Material, made: Sequence[StudyItem]) -> None:
    order = [one for one in allocate(design, made) if one.reviewer == design.reviewers[0]]
    looks = 2 if design.two_stages else 1
    minutes = expected_minutes((made[one.item - 1].kind for one in order), looks)
    sessions = max((one.session for one in order), default=1)
    in_sessions = f" in {sessions} sessions" if sessions > 1 else ""
    st.markdown(
        f"**{len(order)} positions a reviewer, about {minutes} minutes{in_sessions}**, by what "
        "items usually take."
    )
    counted = Counter((item.kind, item.role) for item in made)
    rows = [(KINDS[kind].words, role.replace("_", " "), n) for (kind, role), n in counted.items()]
    st.dataframe(pd.DataFrame(rows, columns=["Item", "For", "Number"]), hide_index=True)
    if read := [one for one in made if (one.kind, one.role) == ("differential", "rated")]:
        having = sum(one.statement in one.truth for one in read)
        st.caption(
            f"Of {len(read)} ECGs to read {having} have the finding that they are about, "
            f"{len(read) - having} do not: AUC and specificity need some of these."
        )
    most = most_apart(design, material)
    listed = ", ".join(f"{number} {APART[role].split(' (')[0]}" for role, number in most.items())
    st.caption(f"Of ECGs that nothing else shows could be had at most, each by itself: {listed}.")
