import time
from pathlib import Path

import pytest
from sqlalchemy import Engine
from streamlit.testing.v1 import AppTest

from pages.shell.access.accounts import LONGEST_S, account_of
from pages.shell.access.oidc import settings_from
from protoecg.bundle import Bundle
from review_db import Item, answers, save_answer
from review_db.sessions.assignments import ItemStage
from review_db.sessions.sessions import open_item
from review_db.studies.accounts import claim_seat
from review_db.studies.design import Design, Sample
from review_db.studies.items.material import bundle_material
from review_db.studies.lifecycle import create_study, start_study
from review_db.studies.seats import Seat, new_key, sign_in

ROOT = Path(__file__).resolve().parents[2]
SECRETS = {
    "auth": {
        "redirect_uri": "https://ecg.example/oauth2callback",
        "cookie_secret": "c" * 32,
        "client_id": "protoecg",
        "client_secret": "s",
        "server_metadata_url": "https://id.example/.well-known/openid-configuration",
    },
    "protoecg": {"coordinators": ["cora@clinic.example"], "account_secret": "a" * 32},
}


def claims(who: str) -> dict:
    issued = {
        "iss": "https://id.example",
        "aud": "protoecg",
        "iat": int(time.time()),
        "is_logged_in": True,
    }
    return issued | {"sub": who, "email": f"{who}@clinic.example", "email_verified": True}


def digest(who: str) -> str:
    return account_of(claims(who), settings_from(SECRETS)).digest


@pytest.fixture
def keys(engine: Engine, demo: Bundle) -> dict[str, str]:
    design = Design("pilot", ("R01", "R02"), 1, sample=Sample(size=2))
    create_study(engine, design, bundle_material(demo.path))
    return start_study(engine, "pilot")


def opened(name: str, who: str, state: dict | None = None, **query: str) -> AppTest:
    app = AppTest.from_file(str(ROOT / "pages" / f"{name}.py"), default_timeout=60)
    app.secrets, app.user = SECRETS, claims(who)
    for key, value in {"navigated": True, **(state or {})}.items():
        app.session_state[key] = value
    for key, value in query.items():
        app.query_params[key] = value
    app.run()
    assert not app.exception
    return app


@pytest.mark.parametrize("name", ["studies", "results"])
def test_a_state_that_says_coordinator_makes_none(keys, monkeypatch, name):
    monkeypatch.setenv("PROTOECG_COORDINATOR_KEY", "the key of the coordinator")

    app = opened(name, "ann", {"coordinator": True, "new keys": ("pilot", keys)}, study="pilot")

    assert "for the coordinators" in app.error[0].value
    assert not app.dataframe and not app.text_input
    assert not any(key in str(app.main) for key in keys.values())


def test_a_state_that_says_another_reviewer_changes_nothing(keys, engine: Engine, demo: Bundle):
    first = demo.prototypes[0]
    item = Item(demo.name, demo.fingerprint, first.name, first.branch, first.statement)
    save_answer(engine, reviewer="R01", item=item, question="comment", value="a remark of R01")

    app = opened("rate", "ann", {"rating as": "R01"}, bundle="demo", prototype=first.name)

    assert "reviewer" not in app.query_params
    assert app.text_area[0].value == ""
    assert "a remark of R01" not in str(app.main)


def test_the_state_of_a_seat_opens_none(keys, engine: Engine):
    claim_seat(engine, keys["R01"], digest("ann"))

    app = opened("take_part", "ben", {"study sheet": Seat("pilot", "R01")}, study="pilot", item="1")

    assert not app.get("plotly_chart")
    assert [b.label for b in app.button] == ["Sign out", "Tie it to my account, and start"]


def test_a_new_key_closes_the_seat_to_the_account_that_had_it(keys, engine: Engine):
    claim_seat(engine, keys["R01"], digest("ann"))
    assert opened("take_part", "ann", study="pilot").get("plotly_chart")

    new_key(engine, "pilot", "R01")

    assert not opened("take_part", "ann", study="pilot").get("plotly_chart")


def test_an_answer_after_the_sign_in_has_ended_is_not_saved(keys, engine: Engine):
    seat = claim_seat(engine, keys["R01"], digest("ann"))
    app = opened("take_part", "ann", study="pilot")

    app.user = claims("ann") | {"iat": int(time.time()) - LONGEST_S - 60}
    app.text_area[0].input("written the next morning").run()

    assert open_item(engine, seat, ItemStage(1)).draft == {}
    assert "What you answered after that was not saved" in app.info[0].value
    assert not app.get("plotly_chart")


def test_a_rating_after_the_sign_in_has_ended_is_not_saved(engine: Engine, demo: Bundle):
    app = opened("rate", "ann", bundle="demo")

    app.user = claims("ann") | {"iat": int(time.time()) - LONGEST_S - 60}
    app.text_area[0].input("written the next morning").run()

    own = account_of(claims("ann"), settings_from(SECRETS)).code
    kept = answers(engine, reviewer=own, bundle=demo.name, fingerprint=demo.fingerprint)
    assert kept == {}


@pytest.mark.parametrize("button", ["Make another key"])
def test_a_coordinator_whose_sign_in_has_ended_makes_no_key(keys, engine: Engine, button):
    app = opened("studies", "cora", study="pilot")

    app.user = claims("cora") | {"iat": int(time.time()) - LONGEST_S - 60}
    next(b for b in app.button if b.label == button).click().run()

    assert sign_in(engine, keys["R01"]).reviewer == "R01"


def test_a_coordinator_sees_which_seats_accounts_have(keys, engine: Engine):
    assert "Tied to an account" not in opened("studies", "cora", study="pilot").dataframe[0].value

    claim_seat(engine, keys["R02"], digest("ann"))

    table = opened("studies", "cora", study="pilot").dataframe[0].value
    assert table["Tied to an account"].tolist() == [False, True]


def test_where_nobody_signs_in_a_tied_key_opens_nothing(page, keys, engine: Engine):
    claim_seat(engine, keys["R01"], digest("ann"))

    app = page("take_part", key=keys["R01"])

    assert "tied to an account" in app.error[0].value
    assert not app.get("plotly_chart")
    assert page("take_part", key=keys["R02"]).get("plotly_chart")
