"""The start page: what this is, where an ECG goes, and a worked example below."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import cycle

import streamlit as st

from pages.ecg import picking
from pages.shell import models, source_ecgs, words
from protoecg.bundle import Bundle
from protoecg.ecg import ECG
from protoecg.prototypes.prototype import SourceECG
from protoecg.simulate import example

SENTENCE = (
    "ProtoECG explains what a model finds in a 12-lead ECG by cases: beside every finding stand "
    "the real ECGs that it rests on, for you to judge whether yours looks like them."
)
PAGES = {
    "Explain": "the findings and measurements of one ECG, also against an earlier one",
    "Batch": "a ZIP of many ECGs, explained as a table",
    "Library": "all prototypes, with what reviewers said of them",
    "Rate": "judge one prototype after the other",
    "Studies, Take part": "plan a reader study; answer one with your key",
    "Results, Curate": "how reviewers judged; replace prototypes that they judged bad",
    "Model card": "what the model learned from, how it was measured",
}
# Of PTB-XL 1.0.3 (CC BY 4.0), and of a fold that `training/configs/ptbxl.toml` does not train on.
REAL = SourceECG(
    name="the worked example",
    record="records100/00000/00946_lr",
    window_s=(0.0, 10.0),
    statements=("CLBBB",),
    patient="5891",
    age=74,
    sex="female",
    sha256="711a832f08842d90478c8128595f4b9d241037c6e4b375c8d2841656c23a9118",
)
SIMULATED = ("Premature ventricular complexes", "PVC")
_KEPT = "worked example is simulated"


@dataclass(frozen=True)
class Worked:
    """An ECG that is explained without being asked for.

    Parameters
    ----------
    key : tells it from other ECGs
    finding : code of the statement that is shown first
    about : what it is, in words
    """

    key: str
    ecg: ECG
    bundle: Bundle
    finding: str
    about: str


def show() -> bool:
    """Say what this is, take an ECG, and say what can be done on each page.

    Returns
    -------
    Whether an upload waits for answers, or for another file: nobody else's ECG belongs below it
    """
    st.header("ProtoECG", anchor=False)
    st.write(SENTENCE)
    waits = picking.picker()
    st.caption(f":material/description: Formats: {picking.FORMATS}")
    if not waits:
        for column, (page, purpose) in zip(cycle(st.columns(3)), PAGES.items(), strict=False):
            column.caption(f"**{page}:** {purpose}")
    return waits


def worked_example(bundle: Bundle) -> Worked | None:
    """Return a real ECG if its samples are on this machine, else a simulated one.

    Which of them it is stays for the session: what is looked at does not change under the reader.
    None where there is neither the ECG nor a model of simulated ECGs.
    """
    real = None if bundle.simulated else source_ecgs.load(bundle, REAL)
    if st.session_state.setdefault(_KEPT, real is None) or real is None:
        return _simulated(bundle)
    about = f"A real ECG, of PTB-XL ({words.patient(REAL)}). Yours is shown in the same way."
    return Worked(f"worked {REAL.record}", real, bundle, REAL.statements[0], about)


def _simulated(chosen: Bundle) -> Worked | None:
    bundle = models.first_simulated()
    if bundle is None:
        return None
    about = "A simulated ECG, explained by a model of simulated ECGs."
    if not chosen.simulated:
        about += f" Yours is explained by {words.plain(chosen.name)}, a model of real ones."
    title, finding = SIMULATED
    return Worked(f"example {title}", example(title), bundle, finding, about)
