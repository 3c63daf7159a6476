from dataclasses import replace

import pytest

from pages.explanation.what_if import changes
from protoecg.evidence.what_if import without
from protoecg.explain import explain
from protoecg.simulate import example


@pytest.fixture
def explanation(demo):
    return explain(example("Atrial fibrillation"), demo)


def test_a_verdict_that_flips_is_told_however_little_the_probability_moves(explanation):
    was = explanation.findings[-1]
    flipped = replace(was, threshold=was.probability)
    supposed = replace(explanation, findings=(flipped, *explanation.findings[:-1]))

    (row,) = changes(explanation, supposed, explanation.findings[0].code).to_dict("records")

    assert (row["certainty"], row["supposed certainty"]) == ("absent", "likely")
    assert (row["place"], row["supposed place"]) == (len(explanation.findings), 1)


def test_nothing_changes_where_nothing_is_switched_off(explanation):
    assert changes(explanation, without(explanation, []), explanation.findings[0].code).empty


def test_the_finding_itself_is_not_among_the_others(explanation):
    names = {m.prototype.name for f in explanation.findings for m in f.matches}
    found = changes(explanation, without(explanation, names), explanation.findings[0].code)
    assert not any("(AFIB)" in name for name in found["also changed"])
