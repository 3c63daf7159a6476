"""What is declared of a study before its start: arms, outcomes, alpha, and looks before the end."""

from __future__ import annotations

import streamlit as st

from review_db.studies.design.declared import ARMS, LONGEST_WASHOUT_DAYS, OUTCOMES, Protocol


def ask() -> dict[str, object]:
    """Ask how ECGs are read, and what is declared of them."""
    st.markdown("**Readings and what is declared of them**")
    left, middle, right = st.columns(3, gap="large")
    arms = left.multiselect(
        "Arms", ARMS, ARMS, help="Each ECG is read in each of them once, in another session."
    )
    days = middle.number_input(
        "Washout, days", 0, LONGEST_WASHOUT_DAYS, 14, help="Between two sessions."
    )
    primary = right.selectbox(
        "Primary outcome", OUTCOMES[:6], help="What decides; tested between the first and last arm."
    )
    secondary = left.multiselect(
        "Secondary outcomes", OUTCOMES[:6], help="All others that are looked at are exploratory."
    )
    alpha = middle.number_input("Alpha", 0.001, 0.2, 0.05, 0.005, format="%.3f")
    multiplicity = right.selectbox(
        "More than one test", ("holm", "none"), help="Holm's method over all that is declared."
    )
    interim = st.text_area("Interim rule", Protocol().interim, height=68)
    answered = left.number_input(
        "Look once answered, % (0: none)",
        0,
        99,
        0,
        help="Results stay closed until then, and after it until the end. A TOML file takes more "
        "than one look, and dates.",
    )
    spent = middle.number_input(
        "Alpha of the look", 0.0, 0.1, 0.005, 0.001, format="%.3f", help="The end has what is left."
    )
    return {
        "readings": {"arms": arms, "washout_days": days},
        "protocol": {
            "primary": primary,
            "secondary": [name for name in secondary if name != primary],
            "compare": [arms[0], arms[-1]] if len(arms) > 1 else list(Protocol().compare),
            "alpha": alpha,
            "multiplicity": multiplicity,
            "interim": interim.strip(),
            "looks": [{"answered": answered / 100, "alpha": spent}] if answered else [],
        },
    }
