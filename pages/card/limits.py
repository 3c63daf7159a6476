"""Where a model ends, as far as that is known."""

from __future__ import annotations

import streamlit as st

from protoecg.bundle import Bundle
from protoecg.card import tables
from protoecg.card.document import CardResults

# A way of spoiling an ECG that passes more often than not.
PASSES_BELOW = 50

# Of folds 1 to 9: `STE_` is in the codes of 25 of 19,601 ECGs.
ST_ELEVATION = (
    "PTB-XL holds almost no infarction with ST elevation (non-specific ST elevation is labelled in "
    "25 of 19,601 ECGs): do not look for one with this model. Measured ST elevation withholds a "
    "normal ECG, and is no finding."
)


def show(bundle: Bundle, card: CardResults) -> None:
    """List what is known of a model's limits."""
    st.markdown("#### Limits")
    for limit in _known(bundle, card):
        st.text(f"•  {limit}")


def _known(bundle: Bundle, card: CardResults) -> list[str]:
    data = tables.text(bundle.about, "data", default="an unknown data set")
    limits = [f"Trained on {data} only: other devices, hospitals and patients may differ."]
    if bundle.simulated:
        limits = ["Trained on simulated ECGs: nothing is known of what it says about real ones."]
    if low := [code for code, decision in bundle.decisions.items() if decision.low_evidence]:
        limits.append(f"Low evidence, as too few were seen in validation: {', '.join(low)}.")
    if data.startswith("PTB-XL"):
        limits.append(ST_ELEVATION)
    table = tables.abstention(tables.section(card, "abstention"))
    passing = table[table["abstains, %"] < PASSES_BELOW].iloc[1:]
    if len(passing):
        named = [f"{row[0]} ({row[1]:.0f} %)" for row in passing.itertuples(index=False)]
        limits.append(
            "It mostly takes for ordinary, with the share that it abstains from: "
            f"{', '.join(named)}."
        )
    own = tables.part(bundle.about, "limits")
    return limits + [tables.text(limit) for limit in (own if isinstance(own, list) else [])]
