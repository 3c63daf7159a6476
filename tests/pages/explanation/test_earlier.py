import json
import re

import numpy as np
import pytest

from pages.ecg.picking import EARLIER, NOW
from pages.ecg.recordings import recordings
from pages.explanation.earlier import findings_table, measurements_table
from protoecg import wording
from protoecg.ecg import ECG
from protoecg.evidence.change import MeasurementChange, finding_changes, measurement_changes
from protoecg.explain import explain
from protoecg.measure import measure
from protoecg.readers import Recording
from protoecg.simulate import example, simulate
from training.measure.abstention import SPOILS

THEN, AFTER = "Left bundle branch block", "Atrial fibrillation"
TITLE = "#### What changed about a finding"


def kept(title):
    ecg = example(title)
    return recordings().add(Recording(ecg.signal, ecg.rate, f"{title}.edf"))


@pytest.fixture
def both(demo):
    """Parameters of the URL that names two uploads."""
    return {"ecg": kept(AFTER), "earlier_ecg": kept(THEN)}


@pytest.fixture
def changes(demo):
    return finding_changes(explain(example(THEN), demo), explain(example(AFTER), demo))


def words(app):
    elements = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error]
    return "\n".join(element.value for element in elements)


def figures(app):
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def heading(app):
    return next(m.value for m in app.markdown if m.value.startswith("### "))


def is_compared(app):
    return TITLE in [element.value for element in app.markdown]


def plain(cell):
    return cell.replace("\\", "").replace("\N{NO-BREAK SPACE}", " ")


def tables(app):
    return [table.value for table in app.table]


def clicked(app, label):
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    return app


def test_without_an_earlier_ecg_nothing_is_compared(page):
    app = page("explain", ecg=kept(AFTER))
    assert not is_compared(app)
    assert not tables(app)
    assert "Stop comparing" not in [button.label for button in app.button]


def test_the_url_alone_brings_both_tracings_the_earlier_one_first(page, both):
    app = page("explain", **both, laid="side by side")
    assert is_compared(app)
    for figure, title in zip(figures(app), (THEN, AFTER), strict=False):
        v1 = next(trace for trace in figure["data"] if trace["name"] == "V1")
        drawn = v1["y"] if isinstance(v1["y"], list) else v1["y"]["bdata"]
        own = page("explain", ecg=kept(title))
        other = next(trace for trace in figures(own)[0]["data"] if trace["name"] == "V1")
        assert drawn == (other["y"] if isinstance(other["y"], list) else other["y"]["bdata"])


def test_by_default_both_tracings_and_median_beats_lie_over_each_other(page, both):
    app = page("explain", **both)
    tracings, beats = figures(app)[:2]
    names = [trace.get("name", "") for trace in tracings["data"]]
    assert "V1, earlier" in names and "V1" in names
    assert {"earlier", "now"} <= {trace.get("name", "") for trace in beats["data"]}
    assert "first beats begin together" in words(app)


def test_what_changed_most_is_said_first(page, both, changes):
    app = page("explain", **both)
    then, now = measure(example(THEN)), measure(example(AFTER))
    line = next(m.value for m in app.markdown if m.value.startswith("- "))
    first = measurement_changes(then, now)[0]
    assert first.beyond_noise and line.startswith(f"- {first.name}: ")


def test_both_are_printed_in_the_chosen_view(page, both):
    app = page("explain", **both, speed="50", leads="6 × 2")
    drawn = [json.dumps(figure, ensure_ascii=False) for figure in figures(app)[:2]]
    assert all("50 mm/s" in figure for figure in drawn)


def test_measurements_stand_beside_each_other_with_their_difference(page, both):
    measured = tables(page("explain", **both))[0]
    then, now = measure(example(THEN)), measure(example(AFTER))
    rate = measured.loc["Heart rate, bpm"]
    assert rate["earlier"] == str(round(then.heart_rate_bpm))
    assert rate["now"] == str(round(now.heart_rate_bpm))
    pr = measured.loc["PR, ms"]
    assert (pr["now"], pr["difference"]) == ("", "")
    assert pr["unsure"] == f"now: {now.unsure['pr_ms']}"


def test_what_came_and_what_went_is_said_in_words_and_figures(page, both, changes):
    app = page("explain", **both)
    table = tables(app)[1]
    for kind in ("newly likely", "no longer likely"):
        codes = [change.code for change in changes if change.kind == kind]
        assert codes
        line = next(m.value for m in app.markdown if kind.capitalize() in m.value)
        for change in (change for change in changes if change.kind == kind):
            assert f"**{change.now.statement.named}**" in line
            row = table.loc[change.now.statement.named]
            then, now = plain(row["probability"]).split(" → ")
            assert (then, now) == (
                wording.probability(change.then.probability),
                wording.probability(change.now.probability),
            )


def test_the_chosen_finding_is_taken_apart_from_logit_to_logit(page, both, changes):
    gone = next(change for change in changes if change.kind == "no longer likely")
    app = page("explain", **both, finding=gone.code, change_sum="true")
    bars = next(trace for trace in figures(app)[-1]["data"] if trace["type"] == "bar")
    assert bars["x"][0] == gone.then.logit and bars["x"][-1] == gone.now.logit
    assert gone.then.logit + sum(bars["x"][1:-1]) == pytest.approx(gone.now.logit)
    assert app.get("plotly_chart")[-1].proto.alt.startswith(f"Change of {gone.now.statement.named}")


@pytest.mark.parametrize("laid", ["laid over each other", "side by side"])
def test_the_words_of_the_sum_wait_for_its_click(page, both, changes, laid):
    gone = next(change for change in changes if change.kind == "no longer likely")
    app = page("explain", **both, finding=gone.code, laid=laid)
    text = "\n".join(
        [words(app), *app.selectbox(key="change choice").options, *map(str, tables(app))]
    )
    assert "less for it than in the earlier ECG" in text
    assert not re.search("logit|similarit|contribution|weight|bias", text, re.IGNORECASE)


def test_each_tracing_is_marked_where_the_match_that_changed_most_is(page, both, changes):
    gone = next(c for c in changes if c.code == "CLBBB")
    match = max(gone.matches, key=lambda match: abs(match.amount))
    app = page("explain", **both, finding="CLBBB", laid="side by side")
    for chart, window in zip(
        app.get("plotly_chart"), (match.then.window_s, match.now.window_s), strict=False
    ):
        assert (
            f"{match.prototype.name}: marked from {window[0]:.2f} to {window[1]:.2f}"
            in chart.proto.alt
        )
    assert f"Marked: where each is most like {match.prototype.name}" in words(app)


def test_where_the_whole_strip_is_compared_nothing_is_marked(page, both):
    assert "Marked: where each" not in words(page("explain", **both, finding="AFIB"))


def test_every_statement_can_be_taken_apart_what_came_or_went_first(page, both, changes, demo):
    app = page("explain", **both)
    offered = app.selectbox(key="change choice").options
    assert len(offered) == len(demo.statements)
    new = [change for change in changes if change.kind == "newly likely"]
    assert all(change.now.statement.named in " ".join(offered[: len(new)]) for change in new)

    app.selectbox(key="change choice").select(changes[1].code).run()

    assert app.query_params["finding"] == changes[1].code
    assert app.selectbox(key="change choice").value == changes[1].code


def test_the_findings_themselves_can_still_be_looked_at(page, both):
    app = page("explain", **both, look="Findings of this ECG")
    assert not is_compared(app)
    assert "#### What it adds up to" in words(app)
    assert "Counts" in [toggle.label for toggle in app.toggle]


def test_swapping_exchanges_the_two_and_turns_every_difference_round(page, both):
    app = page("explain", **both)
    before = tables(app)[0].loc["QRS, ms", "difference"]

    clicked(app, "Swap the two")

    assert app.query_params["ecg"] == both["earlier_ecg"]
    assert app.query_params["earlier_ecg"] == both["ecg"]
    after = tables(app)[0].loc["QRS, ms", "difference"]
    assert (before[0], after[0]) == ("\N{MINUS SIGN}", "+") and before[1:] == after[1:]


def test_swapping_takes_the_chosen_seconds_along(page):
    long = np.concatenate([example(THEN).signal, example(AFTER).signal], axis=1)
    first = recordings().add(Recording(long, example(THEN).rate, "first.edf"))
    second = recordings().add(Recording(long, example(THEN).rate, "second.edf"))
    app = page("explain", ecg=first, start="10", earlier_ecg=second, earlier_start="2.5")

    clicked(app, "Swap the two")

    assert (app.slider(key="start").value, app.slider(key="earlier_start").value) == (2.5, 10)
    assert "Ten of 20 seconds of the earlier ECG, from" in [s.label for s in app.slider]


def test_stopping_keeps_the_ecg_and_lets_the_earlier_one_go(page, both):
    app = clicked(page("explain", **both), "Stop comparing")
    assert not is_compared(app)
    assert app.query_params["ecg"] == both["ecg"]
    assert "earlier_ecg" not in app.query_params
    app.run()
    assert not is_compared(app)


def test_coming_back_from_another_page_both_are_still_there(page, both):
    app = page("explain", example=AFTER)
    app.selectbox(key="earlier_picked example").select(THEN).run()
    assert is_compared(app)

    app.query_params.clear()
    app.run()

    assert is_compared(app)
    assert app.query_params["earlier_example"] == THEN


def test_another_ecg_never_meets_the_earlier_one_of_the_last(page):
    app = page("explain", example=AFTER, earlier_example=THEN)
    assert is_compared(app)

    app.selectbox(key="picked example").select("Sinus bradycardia").run()

    assert app.query_params["example"] == "Sinus bradycardia"
    assert "earlier_example" not in app.query_params
    assert not is_compared(app)


def test_an_upload_is_not_compared_with_an_example(page):
    keys = [box.key for box in page("explain", ecg=kept(AFTER)).selectbox]
    assert "picked example" in keys and "earlier_picked example" not in keys


def test_an_earlier_upload_that_is_no_longer_kept_is_asked_for_again(page):
    app = page("explain", ecg=kept(AFTER), earlier_ecg="unknown")
    assert "The uploaded earlier ECG is no longer kept" in words(app)
    assert "earlier_ecg" not in app.query_params
    assert heading(app) and not is_compared(app)


def test_a_gap_in_the_earlier_ecg_is_said_to_be_of_it(page):
    signal = example(THEN).signal.copy()
    signal[5, 100] = np.nan
    gap = recordings().add(Recording(signal, example(THEN).rate, "gap.edf"))
    app = page("explain", ecg=kept(AFTER), earlier_ecg=gap)
    assert app.error[0].value.startswith("Of the earlier ECG: Samples are missing")
    assert heading(app)


def test_the_same_recording_twice_is_said_to_be_one(page):
    app = page("explain", ecg=kept(AFTER), earlier_ecg=kept(AFTER))
    assert "Both are the same recording." in [info.value for info in app.info]
    assert "Nothing changed by more than two ECGs of one patient differ" in words(app)


@pytest.mark.parametrize("poor", ["ecg", "earlier_ecg"])
def test_a_poor_recording_puts_every_change_in_doubt(page, both, poor):
    normal = simulate(["NORM"], seed=3, rate=500).ecg
    swapped = SPOILS["arm electrodes swapped"](normal.signal, normal.rate, np.random.default_rng(0))
    both[poor] = recordings().add(Recording(swapped, normal.rate, "swapped.edf"))

    warnings = [w.value for w in page("explain", **both).warning]

    assert sum("arm electrodes could be swapped" in warning for warning in warnings) == 1
    assert any(w.startswith("**Earlier ECG:**") for w in warnings) == (poor == "earlier_ecg")
    whose = {"ecg": "this ECG", "earlier_ecg": "the earlier ECG"}[poor]
    assert any(w.startswith("**What changed may") and w.endswith(f"{whose}.") for w in warnings)


def test_abstaining_on_the_earlier_ecg_is_said_and_puts_the_change_in_doubt(page, both, demo):
    noise = ECG(np.random.default_rng(0).normal(size=(12, 5000)), 500)
    assert explain(noise, demo).abstains
    both["earlier_ecg"] = recordings().add(Recording(noise.signal, 500, "noise.edf"))

    app = page("explain", **both)

    assert app.error[0].value.startswith("**Earlier ECG:** **The model abstains")
    assert "What changed may be the recording" in words(app)
    assert "Nothing can be called new or gone" in words(app)
    assert "New:" not in words(app)


def test_two_good_ecgs_are_compared_without_a_warning(page, both):
    assert not page("explain", **both).warning


def test_the_page_says_by_which_bundle_both_are_explained(page, both, demo):
    text = f"Both are explained by {demo.name}, version {demo.revision[:12]}"
    assert text in words(page("explain", **both))


def test_no_probability_is_taken_for_a_quotation(changes):
    cells = findings_table(changes)["probability"]
    assert any("\\>99" in cell for cell in cells) and ">99 %" in " ".join(map(plain, cells))
    assert not any(cell.startswith((">", "<")) for cell in cells)


def test_the_slots_share_no_name():
    names = ("ecg", "example", "start", "uploads", "rate")
    assert not {NOW.key(name) for name in names} & {EARLIER.key(name) for name in names}


def test_a_value_that_is_unsure_on_both_gives_each_its_reason():
    reasons = [("a", "b", "earlier: a; now: b"), ("a", "a", "both: a"), ("", "b", "now: b")]
    for then, now, text in reasons:
        change = MeasurementChange("PR", "ms", None, None, 26, then, now)
        assert measurements_table([change]).loc["PR, ms", "unsure"] == text


def test_where_all_is_sure_no_column_is_left_for_reasons():
    measured = measure(simulate(["NORM"], seed=3, rate=500).ecg)
    table = measurements_table(measurement_changes(measured, measured))
    assert list(table.columns) == ["earlier", "now", "difference", "noise"]
    assert set(table["difference"]) == {"0"}


def test_no_finding_on_either_ecg_makes_an_empty_table(changes):
    assert findings_table([c for c in changes if c.kind == "absent in both"]).empty
