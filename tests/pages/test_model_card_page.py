import json

import numpy as np
import pytest

from pages.shell import frame
from protoecg.bundle import Bundle, save_bundle
from protoecg.card.document import write_card
from protoecg.signals import model_input
from protoecg.simulate import CODES, EXAMPLES, simulate
from training.familiarity import fit

ABSTENTION = {
    "fold": 9,
    "n": 100,
    "fitted_on": "the other half",
    "recordings": {
        "as recorded": {"abstained": 0.01, "abstained_interval": [0.0, 0.03], "refused": 0},
        "white noise": {"abstained": 1.0, "abstained_interval": [0.97, 1.0], "refused": 0},
        "legs swapped": {"abstained": 0.02, "abstained_interval": [0.0, 0.05], "refused": 0},
    },
}
FAITHFULNESS = {
    "fold": 9,
    "n": 100,
    "measures": {
        "exactness": {"definition": "As its ECG.", "branches": {"rhythm": {"exact": 1.0}}},
    },
}
KNOWN_CHANGES = {
    "fold": 9,
    "n": 60,
    "changes": {
        "ST +0.4 mV in V1 to V4": {
            "ecgs": 58,
            "likely": {"share": 0.5, "interval": [0.4, 0.6]},
            "called": {"share": 0.75, "interval": [0.6, 0.8]},
            "called_before": {"share": 0.0, "interval": [0.0, 0.1]},
            "told": {"share": 0.95, "interval": [0.9, 1.0]},
            "normal": {"share": 0.0, "interval": [0.0, 0.1]},
            "holds": 0.9,
            "holds_by_chance": 0.4,
        }
    },
    "premature": {
        "PVC": {
            "ecgs": 93,
            "holds": 0.94,
            "holds_by_chance": 0.2,
            "centre": 0.7,
            "centre_by_chance": 0.1,
        }
    },
}
CALLS = {
    "likely": {"ppv": 0.7, "ppv_interval": [0.6, 0.8], "sensitivity": 0.5},
    "ecgs_with_wrong_likely": 0.25,
}
PRACTICE = {
    "fold": 9,
    "n": 100,
    "makes": {
        "AT": {"ecgs": 50, "unused": {"AFIB": {"share": 0.012, "elsewhere": 0.3}, "?": {}}},
        "CS": {"ecgs": 50, "unused": {}},
    },
    "all_labels": CALLS,
    "where_used": CALLS,
}
ABLATIONS = {
    "fold": 9,
    "branch": "morphology",
    "rows": [{"name": "Ours", "macro_auroc": 0.9, "median_prototypes": 4, "config": "ours"}],
}


def words(app) -> str:
    elements = [*app.markdown, *app.caption, *app.info, *app.warning, *app.text, *app.error]
    return "\n".join(element.value for element in elements)


def tables(app):
    return [table.value for table in app.dataframe]


def evaluation(bundle: Bundle, fold: int, auroc: float) -> dict:
    metrics = {"auroc": auroc, "auroc_interval": [auroc - 0.1, auroc + 0.1], "positives": 7}
    curve = {"predicted": [0.1, 0.9], "observed": [0.2, 0.8], "count": [90, 10]}
    return {
        "fold": fold,
        "held_out": True,
        "n": 100,
        "patients": 90,
        "macro_auroc": auroc,
        "macro_auroc_interval": [auroc - 0.05, auroc + 0.05],
        "per_branch": {},
        "per_statement": dict.fromkeys(bundle.statements, metrics),
        "calibration": {"pooled_ece": 0.0123, "reliability": curve},
    }


@pytest.fixture
def carded(demo: Bundle) -> Bundle:
    write_card(
        demo,
        {
            "evaluations": {"8": evaluation(demo, 8, 0.7), "10": evaluation(demo, 10, 0.8)},
            "faithfulness": FAITHFULNESS,
            "abstention": ABSTENTION,
            "known_changes": KNOWN_CHANGES,
            "practice": PRACTICE,
            "ablations": ABLATIONS,
        },
    )
    return demo


def test_it_tells_what_the_bundle_tells(page, demo: Bundle):
    app = page("model_card")

    assert f"Name: **{demo.name}**" in words(app)
    assert f"Revision: **{demo.revision}**" in words(app)
    assert rf"Prototypes: **{len(demo.prototypes)} \(" in words(app)
    assert f"Data set: **{demo.about['data']}**" in words(app)
    assert f"Trained on: **{demo.about['training_ecgs']:,} ECGs" in words(app)


def test_it_carries_the_notice_and_says_what_it_is_not_for(page):
    app = page("model_card")

    assert any(frame.NOTICE in html.proto.body for html in app.get("html"))
    assert "Not for diagnosis or treatment" in words(app)
    assert "simulated ECGs: nothing is known" in words(app)


def test_what_is_not_measured_is_said_to_be_missing(page):
    text = words(page("model_card"))

    for what in ("Faithfulness", "Abstention", "Known changes", "The ablation"):
        assert f"{what}: not measured for this bundle." in text
    assert "Licence of the weights: **MIT**" in text


def test_what_a_bundle_does_not_state_is_said_to_be_missing(page, demo: Bundle):
    head = json.loads((demo.path / "bundle.json").read_text())
    head["about"] = {"config": head["about"]["config"]}
    (demo.path / "bundle.json").write_text(json.dumps(head))

    text = words(page("model_card"))

    for fact in ("Written", "Data set", "Trained on", "Licence of the data"):
        assert f"{fact}: *not stated in this bundle*" in text
    assert "Accuracy: not measured for this bundle." in text


def test_each_statement_has_a_row_and_low_evidence_is_marked(page, demo: Bundle):
    table = next(t for t in tables(page("model_card")) if "threshold" in t)

    assert list(table["statement"]) == list(demo.statements)
    low = {code for code, decision in demo.decisions.items() if decision.low_evidence}
    assert set(table["statement"][table["evidence"] == "low"]) == low


def test_a_card_adds_its_measurements(page, carded: Bundle):
    app = page("model_card")

    assert "not measured" not in words(app).replace("The published rule beside it is not", "")
    assert (
        "It mostly takes for ordinary, with the share that it abstains from: legs swapped (2 %)."
        in words(app)
    )
    assert len(app.get("plotly_chart")) == 1
    assert any("white noise" in table.to_string() for table in tables(app))


def test_it_says_what_is_said_of_known_changes_and_of_real_early_beats(page, carded: Bundle):
    app = page("model_card")

    assert "waveforms of 60 normal ECGs of fold 9" in words(app)
    changes = next(table for table in tables(app) if "put in" in table)
    assert list(changes.iloc[0]) == ["ST +0.4 mV in V1 to V4", 58, 50, 75, 0, 95, 0, 90, 40]
    early = next(table for table in tables(app) if "holds one, %" in table)
    assert list(early.iloc[0]) == ["PVC", 93, 94, 20, 70, 10]


def test_it_says_which_statements_reports_leave_out_and_what_calls_are_worth_without(
    page, carded: Bundle
):
    app = page("model_card")

    assert "What its labels leave out" in words(app)
    unused = next(table for table in tables(app) if "there, %" in table)
    meaning = carded.labels["AFIB"].description
    assert unused.to_numpy().tolist() == [["AFIB", meaning, "AT", 1.2, 30]]
    worth = next(table for table in tables(app) if "ECGs with a wrong one" in table)
    assert len(worth) == 2
    assert list(worth.iloc[0])[1:] == ["0.700 (0.600 to 0.800)", "0.500", "0.250"]


def test_a_card_of_data_that_names_no_recorders_says_nothing_of_them(page, demo: Bundle):
    assert "leave out" not in words(page("model_card"))


def test_the_figures_of_each_fold_can_be_chosen(page, carded: Bundle):
    app = page("model_card")
    assert "0.800 (0.750 to 0.850)" in tables(app)[0].to_string()
    assert "had no part in the model" in words(app)

    app = page("model_card", figures="validation")

    assert f"{demo_auroc(carded):.3f}" in tables(app)[0].to_string()
    assert "a little kind" in words(app)


def test_figures_that_flatter_are_not_shown_first(page, demo: Bundle):
    write_card(demo, {"evaluations": {"9": {**evaluation(demo, 9, 0.6), "held_out": False}}})

    app = page("model_card")

    assert f"{demo_auroc(demo):.3f}" in tables(app)[0].to_string()


def demo_auroc(bundle: Bundle) -> float:
    return bundle.about["validation"]["macro_auroc"]


def test_a_card_of_another_revision_is_named_and_the_rest_is_shown(page, carded: Bundle):
    file = carded.path / "card.json"
    file.write_text(file.read_text().replace(carded.revision, "0" * 16))

    app = page("model_card")

    assert "is about revision" in app.warning[0].value
    assert len(tables(app)) >= 2


# What loading adds to what was saved.
LOADED = {"fingerprint", "revision"}
HOSTILE = "![x](https://example.org/x.png)<img src=x>"


def test_what_a_card_says_is_never_read_as_markdown(page, carded: Bundle):
    hostile = {**ABSTENTION, "fold": HOSTILE, "fitted_on": HOSTILE}
    folds = {HOSTILE: evaluation(carded, 10, 0.8)}
    rows = {**ABLATIONS, "branch": HOSTILE, "fold": [HOSTILE]}
    write_card(carded, {"abstention": hostile, "evaluations": folds, "ablations": rows})

    app = page("model_card")

    shown = [element.value for element in [*app.markdown, *app.caption, *app.info]]
    texts = [value for value in shown if "example.org" in value]
    assert texts and all(r"\!\[x\]\(https" in value and r"\<img" in value for value in texts)


def test_a_model_that_abstains_says_so_before_its_findings_and_keeps_them(page, demo: Bundle):
    codes = sorted(CODES)
    inputs = [
        model_input(simulate([codes[i % len(codes)]], seed=i, rate=100).ecg) for i in range(60)
    ]
    # Where microvolts are usual, millivolts are not.
    familiarity = fit(0.001 * np.stack(inputs), np.arange(60))
    parts = {key: value for key, value in vars(demo).items() if key not in LOADED}
    save_bundle(**{**parts, "familiarity": familiarity})

    app = page("explain", example=next(iter(EXAMPLES)))

    assert "The model abstains" in app.error[0].value
    assert "not to be relied on" in app.error[0].value
    assert app.get("plotly_chart")
    assert any("the model abstains" in folded.label for folded in app.expander)


def test_where_it_was_calibrated_again_is_said_with_what_that_changed(page, demo: Bundle):
    head = json.loads((demo.path / "bundle.json").read_text())
    sure = {"before": 0.1, "before_interval": [0.05, 0.2], "after": 0.6}
    head["about"]["recalibrations"] = [
        {
            "data": "Elsewhere [x](http://x)",
            "licence": "none",
            "date": "2026-11-30T10:00:00+00:00",
            "ecgs": 1234,
            "patients": 1000,
            "parent": demo.revision,
            "statements": ["AFIB"],
            "comparison": {
                "figures": {"likely_sensitivity": sure, "brier": {"after": 0.0123}},
                "per_statement": {"AFIB": {"positives": 12, "found_before": 1, "found_after": 9}},
            },
        }
    ]
    (demo.path / "bundle.json").write_text(json.dumps(head))
    app = page("model_card")
    text = words(app)
    assert "Calibrated at: **Elsewhere" in text and "1,234 ECGs of 1,000 patients" in text
    assert "](http" not in text
    together, each = tables(app)[:2]
    assert together["before"][0] == "10 % (5 to 20)" and together["after"][0] == "60 %"
    assert list(each.iloc[0][["labelled", "found before", "found after"]]) == [12, 1, 9]
    assert "as it was calibrated for those" in text


def test_a_bundle_that_was_never_calibrated_again_says_nothing_of_it(page):
    assert "Calibrated at" not in words(page("model_card"))


def test_what_it_is_worth_where_it_was_calibrated_is_shown_first(page, demo: Bundle):
    site = {"data": "Elsewhere", "before": evaluation(demo, 0, 0.6)}
    site["after"] = {**evaluation(demo, 0, 0.6), "n": 345}
    write_card(demo, {"site": site, "evaluations": {"10": evaluation(demo, 10, 0.8)}})

    app = page("model_card")

    assert "345 ECGs" in words(app) and "other patients' ECGs set" in words(app)
    assert "0.600 (0.550 to 0.650)" in tables(app)[0].to_string()
    before = page("model_card", figures="there, before")
    assert "scales and thresholds that it had before" in words(before)
