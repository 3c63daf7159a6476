"""The exact sum of a finding, and what a case has in it: for those who ask for the numbers."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.ecg import drawing
from pages.explanation.cases import Case
from pages.explanation.explained import ExplainedECG
from pages.shell import frame, words
from protoecg import wording
from protoecg.bundle import Bundle
from protoecg.ecg import ECG
from protoecg.evidence.leads import telling_leads
from protoecg.explain import without_leads
from protoecg.explanation import Finding, Match
from protoecg.figures.charts import contributions_figure, describe_contributions

LEADS_NAMED, SMALLEST_FALL = 3, 0.005


def telling(now: ExplainedECG, bundle: Bundle, finding: Finding, case: Case) -> tuple[str, ...]:
    """Return the leads to look at: those that define the statement, else that carry the match."""
    leads = telling_leads(finding.statement)
    if leads or case.match is None or wording.is_whole_strip(case.window_s):
        return leads
    return telling_leads(finding.statement, _parts(now, bundle, case.match))


def _parts(now: ExplainedECG, bundle: Bundle, match: Match) -> dict[str, float]:
    """Return what each lead adds to a similarity, exactly or by silencing it."""
    return match.lead_shares or _falls(
        now.key, bundle.path, bundle.revision, match, now.ecg, bundle
    )


@st.cache_data(max_entries=256, show_spinner=False)
def _falls(
    key: str, path: Path, revision: str, match: Match, _ecg: ECG, _bundle: Bundle
) -> dict[str, float]:
    return without_leads(_ecg, _bundle, match)


def show(now: ExplainedECG, bundle: Bundle, finding: Finding, case: Case | None) -> None:
    """Show the sum, the part of the case that is looked at, and the leads that made it."""
    drawing.show(
        contributions_figure(finding, theme=frame.theme()),
        key="contributions",
        alt=describe_contributions(finding),
    )
    st.caption(words.CONTRIBUTION)
    if case and case.match:
        _part(now, bundle, case.match)


def _part(now: ExplainedECG, bundle: Bundle, match: Match) -> None:
    st.markdown(
        f"{words.plain(match.prototype.name)}, a case of "
        f"**{bundle.labels.named(match.prototype.statement)}**: similarity "
        f"**{wording.signed(match.similarity)}** × weight {wording.signed(match.weight)} = "
        f"contribution **{wording.signed(match.contribution)}**",
        help=f"Similarity: {words.SIMILARITY} Contribution: {words.CONTRIBUTION}",
    )
    if match.lead_parts:
        _lead_shares(match)
    else:
        _lead_falls(_parts(now, bundle, match))


def _lead_shares(match: Match) -> None:
    shares = list(match.lead_shares.items())
    if not shares:
        st.caption("The similarity is next to zero: no lead has a share of it worth naming.")
        return
    largest, others = shares[:LEADS_NAMED], shares[LEADS_NAMED:]
    named = ", ".join(f"**{wording.share(share)} {lead}**" for lead, share in largest)
    st.caption(
        f"Of the similarity, {named}; the other {len(others)} leads together "
        f"{wording.share(sum(share for _, share in others))}",
        help=words.LEAD_SHARES,
    )


def _lead_falls(falls: dict[str, float]) -> None:
    largest = sorted(falls.items(), key=lambda fall: -fall[1])[:LEADS_NAMED]
    named = [
        f"**{lead}** {wording.signed(-fall)}" for lead, fall in largest if fall >= SMALLEST_FALL
    ]
    st.caption(
        f"Leads that matter most to this match, each silenced in turn: "
        f"{', '.join(named) or 'none by itself'}",
        help=words.LEADS,
    )
