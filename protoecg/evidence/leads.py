"""The leads in which a statement is seen, so that these are looked at first.

Infarction and ischaemia: the regions of the Fourth Universal Definition of Myocardial Infarction
(2018). Conduction, axis, hypertrophy and overload: the AHA/ACCF/HRS recommendations for the
interpretation of the ECG (2009). P waves and intervals are read in II and V1 by custom.
"""

from __future__ import annotations

from collections.abc import Mapping

from protoecg.ecg import LEADS

Leads = tuple[str, ...]

_INFERIOR: Leads = ("II", "III", "aVF")
_LATERAL: Leads = ("I", "aVL", "V5", "V6")
_SEPTAL: Leads = ("V1", "V2", "V3", "V4")
_ANTERIOR: Leads = ("V2", "V3", "V4")
_ANTEROLATERAL: Leads = ("I", "aVL", "V3", "V4", "V5", "V6")
_POSTERIOR: Leads = ("V1", "V2", "V3")
_INFEROLATERAL: Leads = (*_INFERIOR, "V5", "V6")
_ATRIAL: Leads = ("II", "V1")
_AXIS: Leads = ("I", "aVL", *_INFERIOR)

# Statements that may show in any lead, such as Q waves, have none.
DEFINING: Mapping[str, Leads] = {
    **dict.fromkeys(("ASMI", "ISCAS", "INJAS", "SEHYP", "ANEUR"), _SEPTAL),
    **dict.fromkeys(("AMI", "ISCAN"), _ANTERIOR),
    **dict.fromkeys(("ALMI", "ISCAL", "INJAL"), _ANTEROLATERAL),
    **dict.fromkeys(("LMI", "ISCLA", "INJLA"), _LATERAL),
    **dict.fromkeys(("IMI", "ISCIN", "INJIN"), _INFERIOR),
    **dict.fromkeys(("ILMI", "ISCIL", "INJIL"), _INFEROLATERAL),
    "PMI": _POSTERIOR,
    "IPMI": (*_INFERIOR, *_POSTERIOR),
    "IPLMI": (*_INFEROLATERAL, *_POSTERIOR),
    **dict.fromkeys(("CRBBB", "IRBBB"), ("V1", "V2", "I", "V6")),
    **dict.fromkeys(("CLBBB", "ILBBB"), ("V1", "I", "aVL", "V5", "V6")),
    **dict.fromkeys(("LAFB", "LPFB"), _AXIS),
    **dict.fromkeys(("LVH", "VCLVH"), ("V1", "V2", "V3", "V5", "V6", "aVL")),
    "RVH": ("V1", "V2", "V5", "V6", "I"),
    "LVOLT": LEADS[:6],
    **dict.fromkeys(("LAO/LAE", "LPR", "1AVB", "2AVB", "3AVB", "PAC"), _ATRIAL),
    "RAO/RAE": ("II", "aVF", "V1"),
    "LNGQT": ("II", "V5"),
}
CARRYING = 3


def telling_leads(code: str, parts: Mapping[str, float] | None = None) -> Leads:
    """Return the leads to look at for a statement, in the order of `LEADS`.

    Those that define it; where none do, the three that carry most of a match.

    Parameters
    ----------
    parts : what each lead adds to a match, such as `Match.lead_shares`; without it, a statement
        that no lead defines has none
    """
    leads: Leads = DEFINING.get(code, ())
    if not leads and parts:
        leads = tuple(sorted(parts, key=lambda lead: -parts[lead])[:CARRYING])
    return tuple(lead for lead in LEADS if lead in leads)
