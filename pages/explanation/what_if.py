"""What if: a finding without some of the prototypes that it rests on."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from pages.shell import words
from protoecg import wording
from protoecg.evidence.what_if import without
from protoecg.explanation import Explanation, Finding

# Half a percent is the least that a printed probability shows.
SMALLEST_CHANGE = 0.005
VERDICTS = ["verdict", "supposed verdict"]


def show(explanation: Explanation, finding: Finding) -> None:
    """Let prototypes be switched off, and show what would be found then."""
    st.markdown("#### What if it did not rest on them all")
    off = st.multiselect(
        "Switch prototypes off",
        [match.prototype.name for match in finding.matches],
        placeholder="All are on",
        key=f"without_{finding.code}",
        bind="query-params",
        help="What they add is taken out of every finding; nothing else changes.",
    )
    if not off:
        return
    st.caption("Only supposed: the findings above and at the left stay those of the model.")
    supposed = without(explanation, off)
    now = next(f for f in supposed.findings if f.code == finding.code)
    changed = [
        ("logit", wording.signed(finding.logit), wording.signed(now.logit)),
        (
            "probability",
            wording.probability(finding.probability),
            wording.probability(now.probability),
        ),
        *([] if explanation.abstains else [("verdict", _verdict(finding), _verdict(now))]),
        ("place", *(str(_ranks(e)[finding.code]) for e in (explanation, supposed))),
    ]
    changes_in_words = [f"{what} {before} → **{after}**" for what, before, after in changed]
    st.markdown(f"Supposed, not found: {', '.join(changes_in_words)}.")
    others = changes(explanation, supposed, finding.code)
    if explanation.abstains:
        others = others.drop(columns=VERDICTS, errors="ignore")
    if others.empty:
        st.caption("No other finding changes its verdict, or its probability by 0.5 % or more.")
    else:
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
                    "also changed": words.named(other),
                    "probability": wording.probability(was.probability),
                    "supposed": wording.probability(now.probability),
                    **dict(zip(VERDICTS, (_verdict(was), _verdict(now)), strict=True)),
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


def _verdict(finding: Finding) -> str:
    return finding.certainty
