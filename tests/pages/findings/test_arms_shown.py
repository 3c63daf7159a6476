"""Readings in arms on Results: the alpha that is left, and the plot of each reader."""

import json

import pandas as pd
import pytest
from differentials import first_choice, reading
from streamlit.testing.v1 import AppTest

from protoecg.labels import PTBXL
from review_db.findings.estimate_rows import NEW
from review_db.studies.design.declared import Look, Protocol

# Of ten cases, how many each reader has right alone, and beside prototypes.
RIGHT = {"R01": {"alone": 5, "prototypes": 9}, "R02": {"alone": 6, "prototypes": 4}}


@pytest.fixture
def answers():
    rows = [
        reading(reader, case, arm, session, first_choice=first_choice(case, right=case < right))
        for reader, arms in RIGHT.items()
        for session, (arm, right) in enumerate(arms.items(), 1)
        for case in range(10)
    ]
    return pd.DataFrame(rows)


def shown(answers, protocol: Protocol) -> AppTest:
    def page(results):
        from pages.findings.compared import differential_readings

        differential_readings(results)

    from pages.findings.estimates import Results, Whose

    results = Results(answers, Whose(NEW), PTBXL, protocol, protocol.final_alpha)
    app = AppTest.from_function(page, kwargs={"results": results}).run(timeout=60)
    assert not app.exception
    return app


@pytest.mark.parametrize(
    ("looks", "alpha"),
    [((), "alpha 0.05, Holm"), ((Look(0.005, answered=0.5),), "alpha 0.045 of 0.05 in all, Holm")],
)
def test_the_alpha_that_is_named_is_what_looks_have_left(answers, looks, alpha):
    app = shown(answers, Protocol(primary="correct", looks=looks))
    assert f"**Declared before the start** ({alpha})" in [text.value for text in app.markdown]


def test_each_reader_is_drawn_from_alone_to_prototypes(answers):
    app = shown(answers, Protocol())
    chart = json.loads(app.get("plotly_chart")[0].proto.spec)
    assert [trace["name"] for trace in chart["data"]] == ["alone", "prototypes"]
    arrows = [(arrow["ax"], arrow["x"]) for arrow in chart["layout"]["annotations"]]
    assert arrows[:2] == [(0.5, 0.9), (0.6, 0.4)]
