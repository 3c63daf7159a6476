from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protoecg import __version__
from review_db import QUESTIONS, Item, answers, first_open, known_reviewer, progress, save_answer
from review_db.questions.catalogue import CODEBOOK_VERSION, REQUIRED, TEXT_LENGTH
from review_db.questions.checks import checked_answer
from review_db.store.database import reading
from review_db.store.schema import rating_event

ITEMS = [
    Item("demo", "f1", f"rhythm-{statement}-{n}", "rhythm", statement)
    for statement in ("AFIB", "SBRAD")
    for n in range(3)
]
ITEM = ITEMS[0]


def save(engine, question, value, item=ITEM, reviewer="R1", **more):
    return save_answer(engine, reviewer=reviewer, item=item, question=question, value=value, **more)


def saved(engine, reviewer="R1", fingerprint="f1"):
    return answers(engine, reviewer=reviewer, bundle="demo", fingerprint=fingerprint)


def events(engine):
    with reading(engine) as connection:
        return connection.execute(rating_event.select().order_by(rating_event.c.id)).all()


def finish(engine, item):
    for question in REQUIRED:
        save(engine, question, QUESTIONS[question].options[0], item)


@pytest.mark.parametrize(
    ("question", "value", "stored"),
    [
        ("accurate", "yes", "yes"),
        ("accurate", False, "no"),
        ("representativeness", 1, "1"),
        ("clarity", "5", "5"),
        ("comment", "  two\r\nlines\rand more ", "two\nlines\nand more"),
        (
            "comment",
            "ST elevation > 0.2 mV — vérifié ✓ 心電圖",
            "ST elevation > 0.2 mV — vérifié ✓ 心電圖",
        ),
        ("best", True, "yes"),
        ("bad", "yes", "yes"),
    ],
)
def test_an_answer_is_read_back_as_it_was_given(engine, question, value, stored):
    assert save(engine, question, value)
    assert saved(engine) == {ITEM.prototype: {question: stored}}


@pytest.mark.parametrize(
    ("question", "value", "message"),
    [
        ("beauty", "5", "no question named 'beauty'"),
        ("clarity", 0, "'0', expected 1, 2, 3, 4 or 5"),
        ("clarity", 6, "'6', expected 1, 2, 3, 4 or 5"),
        ("clarity", "3.5", "'3.5'"),
        ("clarity", True, "'True'"),
        ("accurate", "maybe", "'maybe', expected yes or no"),
        ("best", "no", "'no', expected yes"),
        ("comment", "x" * (TEXT_LENGTH + 1), "4,001 characters, at most 4,000"),
        ("comment", "a\0b", r"control character U\+0000"),
        ("comment", "a\ud800b", r"control character U\+D800"),
        ("alternative", "AFLT", "Answer the question on accuracy with no first"),
    ],
)
def test_an_impossible_answer_is_refused_and_nothing_is_saved(engine, question, value, message):
    with pytest.raises(ValueError, match=message):
        save(engine, question, value)
    assert events(engine) == []


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("", "is empty"),
        (" \t", "is empty"),
        ("Dr Jane Doe", "not a name"),
        ("R1;--", "holds other characters"),
        ("=R1", "holds other characters"),
        ("Ärztin", "holds other characters"),
        ("R" * 33, "33 characters, at most 32"),
    ],
)
def test_an_impossible_reviewer_code_is_refused(engine, code, message):
    with pytest.raises(ValueError, match=message):
        save(engine, "clarity", 3, reviewer=code)
    with pytest.raises(ValueError, match=message):
        saved(engine, reviewer=code)


@pytest.mark.parametrize("wrong", ["", "x" * 201, "two\nlines", "a\0"])
def test_an_item_needs_printable_names(wrong):
    with pytest.raises(ValueError, match="prototype of a rated item"):
        Item("demo", "f1", wrong, "rhythm", "AFIB")


def test_an_unchanged_answer_writes_nothing(engine):
    assert save(engine, "clarity", 4)
    assert not save(engine, "clarity", "4")
    assert save(engine, "clarity", 5)
    assert save(engine, "clarity", 4)
    assert [event.value for event in events(engine)] == ["4", "5", "4"]


def test_an_answer_taken_back_stays_in_the_history(engine):
    assert not save(engine, "comment", "")
    save(engine, "comment", "noisy V1")
    assert save(engine, "comment", None)
    assert not save(engine, "comment", " ")
    assert saved(engine) == {}
    assert [event.value for event in events(engine)] == ["noisy V1", ""]


def test_an_event_says_who_what_when_and_by_which_questions(engine):
    save(engine, "clarity", 4)
    (event,) = events(engine)
    assert (event.reviewer, event.bundle, event.fingerprint) == ("R1", "demo", "f1")
    assert (event.branch, event.statement, event.prototype) == ("rhythm", "AFIB", "rhythm-AFIB-0")
    assert (event.app_version, event.codebook_version) == (__version__, CODEBOOK_VERSION)
    assert event.at.utcoffset().total_seconds() == 0


def test_reviewers_do_not_see_each_other(engine):
    save(engine, "clarity", 1, reviewer="R1")
    save(engine, "clarity", 5, reviewer="R2")
    assert saved(engine, "R1") == {ITEM.prototype: {"clarity": "1"}}
    assert saved(engine, "R2") == {ITEM.prototype: {"clarity": "5"}}


def test_ratings_do_not_pass_to_a_retrained_bundle_of_the_same_name(engine):
    retrained = Item("demo", "f2", ITEM.prototype, ITEM.branch, ITEM.statement)
    save(engine, "clarity", 2)
    save(engine, "best", True)
    assert saved(engine, fingerprint="f2") == {}
    save(engine, "best", True, retrained)
    assert saved(engine)[ITEM.prototype] == {"clarity": "2", "best": "yes"}


def test_choosing_another_best_prototype_moves_the_mark_within_the_statement(engine):
    first, second, _, other_statement, *_ = ITEMS
    for item in (first, other_statement, second):
        save(engine, "best", True, item)
    save(engine, "best", True, first, reviewer="R2")
    assert saved(engine) == {
        second.prototype: {"best": "yes"},
        other_statement.prototype: {"best": "yes"},
    }
    assert saved(engine, "R2") == {first.prototype: {"best": "yes"}}


def test_taking_back_best_from_a_prototype_leaves_the_best_one_alone(engine):
    save(engine, "best", True, ITEMS[0])
    assert not save(engine, "best", False, ITEMS[1])
    assert saved(engine) == {ITEMS[0].prototype: {"best": "yes"}}


def test_many_hands_choosing_at_once_leave_one_best_prototype(engine):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: save(engine, "best", True, ITEMS[n % 3]), range(60)))
    assert list(saved(engine).values()) == [{"best": "yes"}]


@pytest.mark.parametrize("changed", ["yes", None])
def test_an_alternative_goes_when_the_prototype_is_not_called_inaccurate(engine, changed):
    save(engine, "accurate", "no")
    save(engine, "alternative", "AFLT")
    assert saved(engine)[ITEM.prototype] == {"accurate": "no", "alternative": "AFLT"}
    save(engine, "accurate", changed)
    assert "alternative" not in saved(engine).get(ITEM.prototype, {})


def test_a_reviewer_is_known_in_any_case_of_letters(engine):
    save(engine, "clarity", 3, reviewer="Reader.A")
    assert known_reviewer(engine, " reader.a ") == "Reader.A"
    assert known_reviewer(engine, "reader_a") == "reader_a"


def test_an_item_is_done_when_all_required_questions_are_answered(engine):
    for question in ("best", "comment", *REQUIRED):
        assert progress(engine, reviewer="R1", items=ITEMS).done == 0
        save(engine, question, "yes" if question in ("best", "comment", "accurate") else 3)
    done = progress(engine, reviewer="R1", items=ITEMS)
    assert (done.done, done.total) == (1, 6)
    assert done.by_statement == {"AFIB": (1, 3), "SBRAD": (0, 3)}


def test_a_session_resumes_at_the_first_open_item_of_its_order(engine):
    order = ITEMS[::-1]
    assert first_open(engine, reviewer="R1", items=order) == order[0]
    finish(engine, order[0])
    finish(engine, order[2])
    assert first_open(engine, reviewer="R1", items=order) == order[1]
    save(engine, "clarity", None, order[0])
    assert first_open(engine, reviewer="R1", items=order) == order[0]
    for item in order:
        finish(engine, item)
    assert first_open(engine, reviewer="R1", items=order) is None


def test_items_of_two_bundles_are_not_counted_together(engine):
    with pytest.raises(ValueError, match="of 2 bundles"):
        progress(engine, reviewer="R1", items=[ITEM, Item("x", "f1", "p", "rhythm", "AFIB")])
    assert progress(engine, reviewer="R1", items=[]).total == 0


ANSWERS = st.sampled_from(
    [(q.key, value) for q in QUESTIONS.values() for value in (*q.options, "")]
).filter(lambda answer: answer[0] != "alternative")


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.sampled_from(ITEMS), ANSWERS), max_size=25), st.uuids())
def test_the_view_is_what_replaying_the_events_gives(engine, steps, run):
    reviewer = run.hex
    for item, (question, value) in steps:
        save(engine, question, value, item, reviewer)
    replayed = {}
    for event in events(engine):
        if event.reviewer == reviewer:
            replayed.setdefault(event.prototype, {})[event.question] = event.value
    standing = {
        prototype: {question: value for question, value in given.items() if value}
        for prototype, given in replayed.items()
    }
    assert saved(engine, reviewer) == {p: given for p, given in standing.items() if given}


@given(st.text(max_size=60))
def test_checking_a_checked_comment_again_changes_nothing(text):
    try:
        once = checked_answer("comment", text)
    except ValueError:
        return
    assert checked_answer("comment", once) == once
