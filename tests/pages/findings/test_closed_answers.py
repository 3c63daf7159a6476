"""What is answered in a running study is on no page before its end or a look."""

import pytest

from review_db.findings.answers import answer_table
from review_db.findings.opening import take_look
from review_db.sessions.progress import next_open
from review_db.sessions.sessions import open_item, save_item
from review_db.studies.design import Design, Sample
from review_db.studies.items.material import bundle_material
from review_db.studies.lifecycle import create_study, start_study
from review_db.studies.running import close_study
from review_db.studies.seats import sign_in

DESIGN = Design(
    "pilot", ("R01",), 1, repeats=0.0, practice=0, summaries=False, sample=Sample(size=2)
)
BAD = {"accurate": "no", "representativeness": "1", "clarity": "1"}
NOT_YET = "Answers of 1 running study are not counted yet"


@pytest.fixture
def running(engine, demo):
    """A study of two prototypes, both rated as bad; the study is still open."""
    create_study(engine, DESIGN, bundle_material(demo.path))
    seat = sign_in(engine, start_study(engine, "pilot")["R01"])
    while place := next_open(engine, seat):
        item = open_item(engine, seat, place)
        save_item(engine, seat, place, BAD, seen=item.revision)
    return answer_table(engine, "pilot")["prototype"].iloc[0]


def words(app) -> str:
    return "\n".join(e.value for e in [*app.markdown, *app.caption, *app.info])


def test_the_library_counts_no_answer_of_a_running_study(page, engine, demo, running):
    rated = next(p for p in demo.prototypes if p.name == running)
    of_it = {"branch": rated.branch, "statement": rated.statement}
    before = words(page("library", **of_it))
    assert NOT_YET in before and "1 reviewer" not in before

    close_study(engine, "pilot", actor="coordinator")
    after = words(page("library", **of_it))
    assert NOT_YET not in after and "1 reviewer · judged accurate by 0 %" in after


def test_curate_proposes_nothing_by_a_running_study(page, engine, running):
    rule = {"bundle": "demo", "reviewers": "1"}
    before = words(page("curate", **rule))
    assert NOT_YET in before and "retires nothing" in before

    take_look(engine, "pilot", actor="coordinator", reason="prototypes are to be replaced")
    after = words(page("curate", **rule))
    assert NOT_YET not in after and "retires nothing" not in after


def test_a_running_study_is_no_pilot_for_another_ones_size(page, engine, running):
    def pilots() -> list[str]:
        app = page("studies", view="How large?")
        return next(s for s in app.selectbox if s.label.startswith("Pilot")).options

    assert "pilot" not in pilots()
    close_study(engine, "pilot", actor="coordinator")
    assert "pilot" in pilots()


def test_studies_says_what_its_files_hold_before_the_end(page, engine, running):
    text = "hold the answers that may be seen by that"
    assert text in words(page("studies", study="pilot"))
    close_study(engine, "pilot", actor="coordinator")
    assert text not in words(page("studies", study="pilot"))
