"""What a figure is saved as, by its toolbar and by the button below it."""

import json

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest


def page():
    import pandas as pd
    import plotly.graph_objects as go

    from pages.ecg import drawing

    table = pd.DataFrame({"n": [1.5]}, index=pd.Index(["=1+1"], name="group"))
    drawing.show_with_numbers(go.Figure(), table, key="pilot: clarity by group", alt="")


def test_a_picture_is_named_by_what_it_shows_and_fit_for_print():
    app = AppTest.from_function(page).run()

    toolbar = json.loads(app.get("plotly_chart")[0].proto.config)
    options = {"filename": "protoecg_pilot_clarity_by_group", "scale": 4}
    assert toolbar["toImageButtonOptions"] == options


def test_its_numbers_are_csv_that_no_spreadsheet_runs(monkeypatch: pytest.MonkeyPatch):
    handed = {}
    monkeypatch.setattr(st, "download_button", lambda _, data, **how: handed.update(how, data=data))

    AppTest.from_function(page).run()

    assert handed["file_name"] == "protoecg_pilot_clarity_by_group.csv"
    assert handed["data"]() == b"group,n\r\n'=1+1,1.5\r\n"
