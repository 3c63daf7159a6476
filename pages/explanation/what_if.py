"""What if: a finding without some of the prototypes that it rests on."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from protoecg import wording
from protoecg.evidence.what_if import without
from protoecg.explanation import Explanation, Finding

# Half a percent is the least that a printed probability shows.
SMALLEST_CHANGE = 0.005
VERDICTS = ["certainty", "supposed certainty"]


def show(explanation: Explanation, finding: Finding, off: Sequence[str]) -> None:
    """Say what would be found without some cases.

    Parameters
    ----------
    off : prototypes of the finding that are left out
    """
    supposed = without(explanation, off)
    now = next(f for f in supposed.findings if f.code == finding.code)
    changed = [
        (
            "probability",
            wording.probability(finding.probability),
            wording.probability(now.probability),
        ),
    ]
    if not explanation.abstains:
        changed.insert(0, ("certainty", finding.certainty, now.certainty))
    listed = ", ".join(f"{what} {before} → **{after}**" for what, before, after in changed)
    st.markdown(f"Supposed, not found, without {len(off)} of the cases: {listed}.")
    others = changes(explanation, supposed, finding.code)
    if explanation.abstains:
        others = others.drop(columns=VERDICTS, errors="ignore")
    if not others.empty:
        st.dataframe(others, hide_index=True)


def changes(explanation: Explanation, supposed: Explanation, code: str) -> pd.DataFrame:
    """Return what would change about the other findings, those with the largest change first."""
    before, after = _ranks(explanation), _ranks(supposed)
    supposedly = {finding.code: finding for finding in supposed.findings}
    rows = []
    for was in explanation.findings:
        other, now = was.code, supposedly[was.code]
        change = abs(now.probability - was.probability)
        if other != code and (change >= SMALLEST_CHANGE or was.certainty != now.certainty):
            rows.append(
                {
                    "also changed": was.statement.named,
                    "probability": wording.probability(was.probability),
                    "supposed": wording.probability(now.probability),
                    **dict(zip(VERDICTS, (was.certainty, now.certainty), strict=True)),
                    "place": before[other],
                    "supposed place": after[other],
                    "change": change,
                }
            )
    if not rows:
        return pd.DataFrame()
    return pd.DataFrame(rows).sort_values("change", ascending=False).drop(columns="change")


def _ranks(explanation: Explanation) -> dict[str, int]:
    return {finding.code: n for n, finding in enumerate(explanation.findings, start=1)}
