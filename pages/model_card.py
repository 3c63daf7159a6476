"""Model card: what a model is, what it was trained on, how good it is and where it ends."""

from __future__ import annotations

import streamlit as st

from pages.card import accuracy, checks, curation, facts, limits, recalibration
from pages.shell import frame, models, words
from pages.shell.access import blinding
from protoecg.bundle import Bundle
from protoecg.card import tables
from protoecg.card.document import CardError, CardResults, read_card

PURPOSE = "Made to study explanations by cases. Not for diagnosis or treatment."


def main() -> None:
    """Lay out the page."""
    frame.guard("Model card")
    row = frame.titled("Model card")
    bundle = models.choose(row)
    blinding.refuse(bundle)
    with row:
        models.badge(bundle)
    card = _card(bundle)
    use = tables.text(bundle.about, "intended_use")
    st.text(f"{PURPOSE} {use}".strip())
    what, data = st.columns(2, gap="large")
    with what:
        st.markdown("#### What it is")
        facts.show(facts.identity(bundle))
    with data:
        st.markdown("#### What it was trained on")
        facts.show(facts.data(bundle))
    curation.show(bundle, card)
    recalibration.show(bundle)
    results = accuracy.choose_results(bundle, card)
    accuracy.show_accuracy(bundle, results)
    accuracy.show_calibration(results)
    checks.show_practice(bundle, card)
    checks.show_faithfulness(card)
    checks.show_abstention(bundle, card)
    checks.show_known_changes(card)
    checks.show_ablations(card)
    limits.show(bundle, card)


def _card(bundle: Bundle) -> CardResults:
    try:
        return read_card(bundle)
    except CardError as error:
        st.warning(words.plain(str(error)), icon=":material/warning:")
        return {}


main()
