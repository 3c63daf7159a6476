"""An ECG with what a model says of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from protoecg.bundle import Bundle
from protoecg.ecg import ECG
from protoecg.explain import explain
from protoecg.explanation import Explanation


@dataclass(frozen=True)
class ExplainedECG:
    """An ECG and its explanation; `key` tells it from others."""

    key: str
    ecg: ECG
    explanation: Explanation


def explained(key: str, ecg: ECG, bundle: Bundle) -> ExplainedECG:
    """Explain an ECG, or return what was said of it before."""
    return ExplainedECG(key, ecg, _explanation(key, bundle.path, bundle.revision, ecg, bundle))


@st.cache_resource(max_entries=32, show_spinner="Reading the ECG")
def _explanation(key: str, path: Path, revision: str, _ecg: ECG, _bundle: Bundle) -> Explanation:
    return explain(_ecg, _bundle)
