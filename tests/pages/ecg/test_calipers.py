"""Calipers on a tracing: laid over it by a component, so that the figure itself stays as it is."""

import json

AFIB = "Atrial fibrillation"


def tracing(app):
    return app.get("plotly_chart")[0].proto.spec


def laid(app):
    layers = [one for one in app.get("bidi_component") if one.key.startswith("calipers")]
    return [json.loads(one.proto.json) for one in layers]


def test_calipers_are_laid_over_a_figure_that_stays_the_same(page):
    app = page("explain", example=AFIB)
    before = tracing(app)
    assert not laid(app)

    app.toggle(key="measuring").set_value(True).run()

    (data,) = laid(app)
    assert data["ecg"] == f"example {AFIB}"
    assert tracing(app) == before


def test_each_printed_lead_is_known_upside_down_or_not(page):
    (data,) = laid(page("explain", example=AFIB, measuring="true", order="Cabrera"))
    assert data["leads"]["\N{MINUS SIGN}aVR"] == {"lead": "aVR", "sign": -1}
    assert data["leads"]["V2"] == {"lead": "V2", "sign": 1}
    assert len({one["lead"] for one in data["leads"].values()}) == 12
