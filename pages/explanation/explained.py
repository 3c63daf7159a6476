"""An ECG with its explanation by a model, and what is measured on it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from pages.ecg import intervals
from protoecg.bundle import Bundle
from protoecg.ecg import ECG
from protoecg.explain import explain
from protoecg.explanation import Explanation
from protoecg.measure import Delineation


@dataclass(frozen=True)
class ExplainedECG:
    """An ECG, its explanation, and where its waves lie; `key` tells it from others."""

    key: str
    ecg: ECG
    explanation: Explanation
    found: Delineation


def explained(key: str, ecg: ECG, bundle: Bundle) -> ExplainedECG:
    """Explain an ECG, or return its explanation of before."""
    found = intervals.delineated(key, ecg)
    explanation = _explanation(key, bundle.path, bundle.revision, ecg, bundle, found)
    return ExplainedECG(key, ecg, explanation, found)


@st.cache_resource(max_entries=32, show_spinner="Reading the ECG")
def _explanation(
    key: str, path: Path, revision: str, _ecg: ECG, _bundle: Bundle, _found: Delineation
) -> Explanation:
    return explain(_ecg, _bundle, _found)
