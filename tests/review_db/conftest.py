import random
from pathlib import Path

import pytest
from sqlalchemy import text

from protoecg.prototypes.prototype import Prototype
from review_db import open_database
from review_db.sessions.progress import next_open
from review_db.sessions.sessions import open_item, save_item
from review_db.studies.design import Controls, Design, Sample
from review_db.studies.items import ShownExplanation, SourceFile
from review_db.studies.items.case_file import MatchCase, PairCase, ReadingCase
from review_db.studies.items.material import Material
from review_db.studies.lifecycle import create_study, start_study
from review_db.studies.running import close_study
from review_db.studies.seats import sign_in


def pytest_generate_tests(metafunc):
    """Run each test on both kinds of database, but those that look at SQLite's file on that."""
    if "store" in metafunc.fixturenames:
        kinds = ["sqlite"] if "file" in metafunc.fixturenames else ["sqlite", "postgresql"]
        metafunc.parametrize("store", kinds, indirect=True)


@pytest.fixture
def store(request):
    return request.param


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ratings.db"


@pytest.fixture
def url(store, tmp_path: Path, request) -> str:
    if store == "sqlite":
        return f"sqlite:///{tmp_path / 'ratings.db'}"
    return request.getfixturevalue("postgresql_server").emptied("ratings")


@pytest.fixture
def engine(url: str):
    engine = open_database(url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def material():
    """Three statements of each of two branches with nine prototypes each, and some cases."""
    prototypes = [
        Prototype(
            name=f"{branch}-{statement}-{n}",
            branch=branch,
            statement=statement,
            record=f"records/{statement}{n}",
            sha256="0" * 64,
            window_s=(1.0 + n / 2, 1.95 + n / 2) if branch == "morphology" else (0.0, 10.0),
            statements=(statement, "ABQRS"),
            patient=f"{statement}{n}",
            age=None,
            sex=None,
        )
        for branch, statements in (
            ("rhythm", ("AFIB", "SR", "SBRAD")),
            ("morphology", ("PVC", "CLBBB", "IMI")),
        )
        for statement in statements
        for n in range(9)
    ]
    names = [f"case{n}" for n in range(8)]
    ecgs = [SourceFile(record=f"patients/{name}", sha256="0" * 64) for name in names]
    ours, others = (ShownExplanation(bundle=name, matches=()) for name in ("demo", "plain"))
    return Material(
        "demo",
        "f1",
        prototypes,
        matches=[
            MatchCase(
                case=name,
                prototype=prototypes[27 + n].name,
                ecg=ecgs[n],
                window_s=(2.0, 2.95),
                similarity=0.5 + n / 20,
            )
            for n, name in enumerate(names)
        ],
        pairs=[
            PairCase(case=name, statement="PVC", ecg=ecgs[n], a=ours, b=others)
            for n, name in enumerate(names)
        ],
        readings=[
            ReadingCase(
                case=name,
                statement=("PVC", "AFIB")[n % 2],
                truth=(("PVC", "AFIB")[n % 2], "LAD"),
                ecg=ecgs[n],
                explanation=ours,
            )
            for n, name in enumerate(names)
        ],
    )


DESIGN = Design(
    "pilot",
    ("R01", "R02", "R03"),
    3,
    practice=1,
    repeats=0.3,
    sample=Sample(size=12),
    controls=Controls(2, 2, 2),
)


def opinion(item, chance, fake):
    """Answer as a reviewer would who likes prototypes, sees through controls and prefers b."""
    point = chance.choice("12" if fake else "345")
    known = {
        "accurate": "no" if fake else chance.choice(["yes", "yes", "no", "cannot_judge"]),
        "diagnosis": ["AFIB", "LAD"] if item.at.stage == 2 else chance.choice([["PVC"], ["SR"]]),
        "confidence": "5" if item.at.stage == 2 else "2",
    }
    if item.kind == "statement":
        known["best_prototype"] = item.content.prototypes[0].name
    if item.kind == "pair":
        b_left = item.content.left.bundle == "plain"
        known |= {
            "better": chance.choice("12" if b_left else "45"),
            "left_acceptable": "yes" if b_left else "no",
            "right_acceptable": "no" if b_left else "yes",
        }
    return {key: known.get(key, point) for key in item.required}


def _rate_all(engine, seat, chance, stop=None):
    fakes = {}
    for n in range(stop or 10**6):
        place = next_open(engine, seat)
        if place is None:
            return
        item = open_item(engine, seat, place)
        fake = item.kind == "prototype" and (item.content.noise or item.content.stands_for)
        given = fakes.setdefault(str(item.content) + str(place.stage), opinion(item, chance, fake))
        save_item(engine, seat, place, given, seen=item.revision, seconds=3 if n % 2 else 8)


def _two_stages(engine):
    """Make the ECGs to read of a study that hasn't started those of studies before codebook 3."""
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE study_item SET kind = 'reading' WHERE kind = 'differential'")
        )


@pytest.fixture(scope="session")
def two_stages():
    return _two_stages


@pytest.fixture(scope="session")
def rated_study(tmp_path_factory, material):
    """Three reviewers have answered the pilot study, one of them half of it, and it has ended."""
    engine = open_database(f"sqlite:///{tmp_path_factory.mktemp('study')}/ratings.db")
    create_study(engine, DESIGN, material)
    _two_stages(engine)
    for n, key in enumerate(start_study(engine, "pilot").values()):
        _rate_all(engine, sign_in(engine, key), random.Random(n), stop=70 if n == 2 else None)
    close_study(engine, "pilot", actor="coordinator")
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def pilot():
    return DESIGN


@pytest.fixture(scope="session")
def rate_all():
    return _rate_all
