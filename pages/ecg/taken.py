"""When an ECG was taken, and of whom: shown and printed where a reader asks for it."""

from __future__ import annotations

import streamlit as st

from protoecg.ecg import ECG
from protoecg.taken import UNKNOWN, Taken

HELP = (
    "As the file says them, beside the measurements and in what the report gives. They are not "
    "shown unless you want them: together they can tell who the patient is, others may see your "
    "screen, and reports are handed on. Names, birth dates and numbers of patients are never kept."
)


def is_wanted(*ecgs: ECG) -> bool:
    """Ask whether date, age and sex are shown, where the file of any of these says some of them."""
    if not any(ecg.taken for ecg in ecgs):
        return False
    return st.toggle("Date, age, sex", key="taken", bind="query-params", help=HELP)


def shown(ecg: ECG) -> Taken:
    """Return what a reader who was asked by `is_wanted` wants to see of an ECG."""
    return ecg.taken if st.session_state.get("taken") else UNKNOWN
