from collections import Counter

import pytest

from protoecg.labels import BRANCHES, PTBXL, LabelsError, LabelSet, is_code, read_labels

HEAD = "code,words,branch,kind,critical,leads,scp\n"


def read(text):
    return read_labels(text.encode(), "labels.csv")


def test_there_are_71_statements_in_three_branches_of_the_published_sizes():
    assert Counter(s.branch for s in PTBXL.values()) == {
        "rhythm": 16,
        "morphology": 52,
        "global": 3,
    }
    assert set(BRANCHES) == {"rhythm", "morphology", "global"}


def test_each_statement_stands_under_its_code_and_has_words():
    for code, statement in PTBXL.items():
        assert statement.code == statement.scp == code
        assert statement.description.strip()


def test_names_with_a_slash_are_kept():
    assert {"LAO/LAE", "RAO/RAE"} <= set(PTBXL)


def test_the_global_branch_is_the_published_one():
    assert {c for c, s in PTBXL.items() if s.branch == "global"} == {"NORM", "DIG", "EL"}


def test_a_statement_is_named_by_words_and_code_and_a_foreign_one_by_its_code():
    assert PTBXL.named("1AVB") == "First degree AV block (1AVB)"
    assert PTBXL.named("no such code") == "no such code"


def test_a_label_set_is_read_back_as_it_was_written():
    assert read(PTBXL.to_csv()) == PTBXL


def test_three_columns_are_enough_and_a_known_statement_brings_the_rest():
    found = read("code,words,branch,scp\n10370003,pacing rhythm,rhythm,PACE\nX1,odd wave,global,\n")
    assert found["10370003"].kind == PTBXL["PACE"].kind == "rhythm"
    assert found["X1"].kind == "form" and not found["X1"].critical and not found["X1"].leads
    assert found.scp(["10370003", "X1"]) == {"PACE"}
    inferior = read("code,words,branch,scp\nMI,inferior infarction,morphology,IMI\n")["MI"]
    assert inferior.leads == PTBXL["IMI"].leads == ("II", "III", "aVF")


def test_what_is_said_of_a_statement_is_taken_before_what_is_known_of_its_like():
    (found,) = read(HEAD + "A,first,morphology,rhythm,yes,V1 V2,IMI\n").values()
    assert (found.kind, found.critical, found.leads) == ("rhythm", True, ("V1", "V2"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("code,words\nA,first\n", "no column branch"),
        (HEAD, "0 rows"),
        (HEAD + "A,first,heart,,,,\n", "line 2: the branch is not one of rhythm, morphology"),
        (HEAD + "A,first,rhythm,odd,,,\n", "line 2: the kind"),
        (HEAD + "A,first,rhythm,,perhaps,,\n", "line 2: critical"),
        (HEAD + "A,first,rhythm,,,V9,\n", "line 2: a lead"),
        (HEAD + "A,first,rhythm,,,,NOPE\n", "line 2: scp is not one of PTB-XL"),
        (HEAD + "A,,rhythm,,,,\n", "line 2: what its words say"),
        (HEAD + "A,![x](http://x),rhythm,,,,\n", "line 2: what its words say"),
        (HEAD + "=1+1,first,rhythm,,,,\n", "line 2: the code"),
        (HEAD + "A,first,rhythm,,,,\nA,other,rhythm,,,,\n", "a code twice"),
        ("code,words,branch\n\xff", "no CSV"),
    ],
)
def test_a_label_set_that_cannot_be_is_refused_with_its_line(text, message):
    with pytest.raises(LabelsError, match=message) as refused:
        read_labels(text.encode("latin-1"), "labels.csv")
    assert "http" not in str(refused.value)


def test_codes_are_words_that_mean_nothing_else():
    assert all(map(is_code, PTBXL))
    assert not any(map(is_code, ("", "=1", "a*b", "a[b]", "<b>", "x" * 33, "a\nb")))


def test_an_empty_label_set_knows_no_statement():
    assert not LabelSet(()) and LabelSet(()).named("SR") == "SR"
