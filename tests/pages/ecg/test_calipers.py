"""Calipers on Explain's tracing: measured, kept while the page changes, cleared."""

import json

import pytest

AFIB = "Atrial fibrillation"


def tracing(app) -> dict:
    return json.loads(app.get("plotly_chart")[0].proto.spec)


def drawn(app) -> list[str]:
    return [
        text
        for trace in tracing(app)["data"]
        if trace.get("name") == "calipers in words"
        for text in trace["text"]
    ]


def told(app) -> str:
    return "\n".join(markdown.value for markdown in app.markdown if " ms · " in markdown.value)


def press(app, label: str) -> None:
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception


def measure(app, lead: str, start_s: float, end_s: float, *heights: float) -> None:
    next(box for box in app.selectbox if box.label == "Lead").select(lead)
    for label, value in zip(
        ("From, s", "To, s", "From, mV", "To, mV"), (start_s, end_s, *heights), strict=False
    ):
        next(number for number in app.number_input if number.label == label).set_value(value)
    press(app, "Measure")


@pytest.fixture
def measured(page):
    app = page("explain", example=AFIB, measuring="true")
    measure(app, "V2", 6.0, 6.8, 0.25, -0.25)
    return app


def test_a_measure_by_numbers_is_drawn_and_told(measured):
    assert drawn(measured) == ["1: 800 ms · 75 bpm · 0.50 mV"]
    assert "V2, 6.000 to 6.800 s, \N{MINUS SIGN}0.25 to 0.25 mV" in told(measured)


def test_calipers_survive_another_match_print_and_filter(measured):
    measured.radio(key="match choice").set_value(
        measured.radio(key="match choice").options[-1].split(" · ")[-1]
    ).run()
    assert len(drawn(measured)) == 1
    for key, value in {"order": "Cabrera", "gain": "20", "speed": "50", "highpass": "0.5"}.items():
        measured.button_group(key=key).set_value(value).run()
        assert drawn(measured) == ["1: 800 ms · 75 bpm · 0.50 mV"]
    measured.button_group(key="leads").set_value("one, large").run()
    assert not drawn(measured) and "not printed here" in told(measured)
    measured.button_group(key="leads").set_value("12 in full").run()
    assert len(drawn(measured)) == 1


def test_put_away_they_come_back_and_cleared_they_do_not(measured):
    measure(measured, "II", 3.0, 3.5)
    assert [text[:2] for text in drawn(measured)] == ["1:", "2:"]
    measured.toggle(key="measuring").set_value(False).run()
    assert not drawn(measured) and "select" not in tracing(measured)["layout"]["dragmode"]
    measured.toggle(key="measuring").set_value(True).run()
    assert len(drawn(measured)) == 2

    press(measured, "Remove the last")
    assert len(drawn(measured)) == 1
    press(measured, "Clear calipers")
    assert not drawn(measured) and not told(measured)
