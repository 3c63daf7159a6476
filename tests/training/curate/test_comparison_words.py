"""What is printed of a comparison before and after a curation."""

from training.curate.comparison import summary

CALLS = {"ppv": 0.5, "sensitivity": 0.5}
SIDE = {
    "calibration": {"pooled_ece": 0.01, "macro_brier": 0.02},
    "certainty": {"likely": CALLS, "called": CALLS},
    "purity": 0.3,
}


def changed(*purities):
    return {
        "n": 10,
        "per_part": {},
        "per_statement": {},
        "before": SIDE,
        "after": SIDE,
        "changed": [
            {"retired": "a", "new": "b", "purity_before": before, "purity_after": after}
            for before, after in purities
        ],
    }


def test_the_purity_of_what_was_replaced_is_that_of_those_measured_on_both_sides():
    results = summary(changed((0.0, 0.4), (0.2, 0.6), (None, 0.9)))
    assert "purity of the 2 replaced: 0.1000 before, 0.5000 after" in results


def test_where_none_was_measured_nothing_is_said_of_what_was_replaced():
    assert "replaced" not in summary(changed((None, None)))
    retired_alone = {"retired": "a", "new": None, "purity_before": 0.1}
    assert "replaced" not in summary({**changed(), "changed": [retired_alone]})
