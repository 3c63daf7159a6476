"""The leads in which a statement is seen, so that these are looked at first.

Which leads define one stands in its label set. Those of PTB-XL's are, for infarction and
ischaemia, the regions of the Fourth Universal Definition of Myocardial Infarction (2018); for
conduction, axis, hypertrophy and overload, the AHA/ACCF/HRS recommendations for the interpretation
of the ECG (2009). P waves and intervals are read in II and V1 by custom.
"""

from __future__ import annotations

from collections.abc import Mapping

from protoecg.ecg import LEADS
from protoecg.labels import Statement

Leads = tuple[str, ...]

CARRYING = 3


def telling_leads(statement: Statement, parts: Mapping[str, float] | None = None) -> Leads:
    """Return the leads to look at for a statement, in the order of `LEADS`.

    Those that define it; where none do, the three that carry most of a match.

    Parameters
    ----------
    parts : what each lead adds to a match, such as `Match.lead_shares`; without it, a statement
        that no lead defines has none
    """
    leads = statement.leads
    if not leads and parts:
        leads = tuple(sorted(parts, key=lambda lead: -parts[lead])[:CARRYING])
    return tuple(lead for lead in LEADS if lead in leads)
