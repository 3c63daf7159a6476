from collections import Counter

import pytest

from protoecg.labels import BRANCHES, STATEMENTS, describe


def test_there_are_71_statements_in_three_branches_of_the_published_sizes():
    assert Counter(s.branch for s in STATEMENTS.values()) == {
        "rhythm": 16,
        "morphology": 52,
        "global": 3,
    }
    assert set(BRANCHES) == {"rhythm", "morphology", "global"}


def test_each_statement_stands_under_its_code_and_has_words():
    for code, statement in STATEMENTS.items():
        assert statement.code == code
        assert statement.description.strip()


def test_names_with_a_slash_are_kept():
    assert {"LAO/LAE", "RAO/RAE"} <= set(STATEMENTS)


def test_the_global_branch_is_the_published_one():
    assert {c for c, s in STATEMENTS.items() if s.branch == "global"} == {"NORM", "DIG", "EL"}


def test_words_say_what_a_code_means():
    assert "AV block" in describe("1AVB")
    with pytest.raises(KeyError):
        describe("no such code")
