from streamlit.testing.v1 import AppTest


def test_what_cannot_wait_is_seen_without_a_click_though_it_is_only_possible():
    def page():
        from pages.explanation import statements
        from protoecg.explanation import Explanation, Finding
        from protoecg.labels import PTBXL

        def found(code, probability):
            logit = 8 * (probability - 0.5)
            return Finding(PTBXL[code], probability, 0.5, logit, 0.0, False, (), possible_from=0.1)

        findings = found("LVH", 0.9), found("3AVB", 0.2), found("IMI", 0.2)
        explanation = Explanation("Tiny", False, "a.csv", (), None, findings)
        statements.show(explanation, findings[0])

    app = AppTest.from_function(page).run(timeout=60)

    pressing, likely, possible = app.radio
    assert pressing.label == "**Critical, only possible**"
    assert pressing.options == [":red[**Third degree AV block**]"]
    assert (likely.value, possible.options) == ("LVH", ["**Inferior myocardial infarction**"])
    # Only what can wait is folded away.
    assert [radio.key for radio in app.expander[0].radio] == ["possible"]

    pressing.set_value("3AVB").run()

    assert app.query_params["finding"] == "3AVB"


def test_beside_a_likely_rhythm_it_is_not_said_that_nothing_is_likely():
    def page():
        from pages.explanation import statements
        from protoecg.explanation import Explanation, Finding
        from protoecg.labels import PTBXL

        found = Finding(PTBXL["AFIB"], 0.9, 0.5, 3.2, 0.0, False, (), possible_from=0.1)
        statements.show(Explanation("Tiny", False, "a.csv", (), None, (found,)), found)

    app = AppTest.from_function(page).run(timeout=60)

    assert "**Likely:** nothing but what is said of the rhythm" in [m.value for m in app.markdown]
    assert [radio.label for radio in app.radio] == ["**Rhythm**"]
