"""Sign-in at a real OpenID provider, in a real browser."""

import sqlite3
from dataclasses import dataclass
from pathlib import Path

import pytest
from openid_provider import SECRETS, Provider
from playwright.sync_api import Page, expect

from review_db import open_database
from review_db.studies.design import Design, Sample
from review_db.studies.items.material import bundle_material
from review_db.studies.lifecycle import create_study, start_study

ROOT = Path(__file__).resolve().parents[2]
CLOSED = ("rate", "studies", "take_part", "results")
OPEN = {
    "explain": "A worked example",
    "batch": "Explain many ECGs",
    "library": "Prototypes",
    "model_card": "What it was trained on",
}
PEOPLE = {
    "Ann": {"sub": "1001-ann", "email": "ann@clinic.example", "email_verified": True},
    "Ben": {"sub": "1002-ben", "email": "ben@clinic.example", "email_verified": True},
    "Cora": {"sub": "1003-cora", "email": "Cora@clinic.example", "email_verified": True},
    "Dora": {"sub": "1005-dora", "email": "dora@clinic.example", "email_verified": True},
    "Mallory": {"sub": "1004-mallory", "email": "cora@clinic.example", "email_verified": False},
}


@dataclass
class Clinic:
    """A server that asks people to sign in, its provider, and the keys of its study."""

    server: object
    provider: Provider
    keys: dict[str, str]

    def url(self, page: str) -> str:
        return f"{self.server.url}/{page}"


@pytest.fixture(scope="module")
def clinic(browser, make_server, tmp_path_factory):
    provider = Provider(PEOPLE)
    server = make_server(tmp_path_factory.mktemp("clinic"), SECRETS % provider.url)
    engine = open_database(server.database)
    design = Design("pilot", ("R01", "R02", "R03"), 1, title="The pilot", sample=Sample(size=2))
    create_study(engine, design, bundle_material(ROOT / "models" / "demo"))
    keys = start_study(engine, "pilot")
    engine.dispose()
    yield Clinic(server, provider, keys)
    provider.stop()


@pytest.fixture
def new_tab(browser):
    """Opens a page in a browser of its own, as on another machine."""
    contexts = []

    def opened() -> Page:
        contexts.append(browser.new_context(viewport={"width": 1440, "height": 900}))
        tab = contexts[-1].new_page()
        tab.set_default_timeout(30_000)
        return tab

    yield opened
    for context in contexts:
        context.close()


def sign_in(tab: Page, url: str, who: str) -> Page:
    tab.goto(url)
    tab.get_by_role("button", name="Sign in", exact=True).click()
    tab.get_by_role("link", name=who, exact=True).click()
    expect(tab.get_by_role("button", name="Sign out")).to_be_visible()
    return tab


def claim(tab: Page) -> None:
    tab.get_by_role("button", name="Tie it to my account, and start").click()


def rated(tab: Page, reviewer: str):
    return tab.get_by_text(f"The pilot · {reviewer}: 0 of")


@pytest.mark.parametrize("page", CLOSED)
def test_a_closed_page_shows_the_way_to_sign_in_and_nothing_else(clinic, tab, page):
    tab.goto(clinic.url(f"{page}?key={clinic.keys['R03']}&reviewer=R01&study=pilot&bundle=demo"))

    expect(tab.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
    main = tab.get_by_test_id("stMain")
    assert main.get_by_role("button").count() == 1
    assert main.get_by_role("textbox").count() == 0
    assert main.locator(".js-plotly-plot, [data-testid=stDataFrame]").count() == 0
    assert "pilot" not in main.inner_text()


@pytest.mark.parametrize("page", OPEN)
def test_an_open_page_asks_for_nothing(clinic, tab, page):
    tab.goto(clinic.url(f"{page}?bundle=demo"))

    expect(tab.get_by_text(OPEN[page], exact=True).first).to_be_visible()
    expect(tab.get_by_role("button", name="Sign in", exact=True)).to_have_count(0)


def test_a_reviewer_gives_the_key_once_and_comes_back_by_the_account_alone(clinic, new_tab):
    one = sign_in(new_tab(), clinic.url(f"take_part?key={clinic.keys['R01']}"), "Ann")
    expect(one.get_by_role("textbox", name="Your key")).to_have_value(clinic.keys["R01"])
    claim(one)
    expect(rated(one, "R01")).to_be_visible()
    assert "key=" not in one.url

    other = sign_in(new_tab(), clinic.url("take_part"), "Ann")
    other.get_by_role("button", name="Go on with The pilot").click()

    expect(rated(other, "R01")).to_be_visible()


def test_nobody_elses_account_gets_a_seat_that_is_taken(clinic, new_tab):
    key = clinic.keys["R02"]
    mine = sign_in(new_tab(), clinic.url(f"take_part?key={key}"), "Cora")
    claim(mine)
    expect(rated(mine, "R02")).to_be_visible()

    theirs = sign_in(new_tab(), clinic.url(f"take_part?key={key}"), "Ben")
    refused = theirs.get_by_text("This key is tied to another account").first
    expect(refused).to_be_visible()
    claim(theirs)
    expect(refused).to_be_visible()
    for address in (
        "take_part?study=pilot",
        "take_part?study=pilot&item=1",
        f"take_part?key={key}&item=1",
    ):
        theirs.goto(clinic.url(address))
        expect(theirs.get_by_text("Take part in a study")).to_be_visible()
        expect(theirs.get_by_role("button", name="Go on with")).to_have_count(0)
        expect(theirs.get_by_text("R02")).to_have_count(0)


def test_a_link_that_was_tied_opens_at_once_for_its_account(clinic, new_tab):
    link = clinic.url(f"take_part?key={clinic.keys['R03']}")
    claim(sign_in(new_tab(), link, "Mallory"))

    again = sign_in(new_tab(), link, "Mallory")

    expect(rated(again, "R03")).to_be_visible()


@pytest.mark.parametrize("who", ["Ben", "Mallory"])
@pytest.mark.parametrize("page", ["studies", "results"])
def test_who_is_no_coordinator_or_is_not_verified_sees_no_study(clinic, tab, page, who):
    sign_in(tab, clinic.url(f"{page}?study=pilot"), who)

    expect(tab.get_by_text("This page is for the coordinators")).to_be_visible()
    main = tab.get_by_test_id("stMain")
    assert "pilot" not in main.inner_text()
    assert main.locator("[data-testid=stDataFrame], [data-testid=stDownloadButton]").count() == 0


def test_a_coordinator_is_admitted(clinic, tab):
    sign_in(tab, clinic.url("studies"), "Cora")
    expect(tab.get_by_text("started 20")).to_be_visible()
    expect(tab.get_by_text("Cora@clinic.example")).to_be_visible()

    tab.get_by_role("link", name="Results").click()

    expect(tab.get_by_role("button", name="All ratings as CSV")).to_be_visible()


def test_on_rate_everybody_has_a_code_of_their_own_whatever_the_address_says(clinic, new_tab):
    codes = []
    # Two who have no seat in the blind study, which would close Rate to them.
    for who in ("Dora", "Ben", "Dora"):
        tab = sign_in(new_tab(), clinic.url("rate?bundle=demo&reviewer=R01"), who)
        text = tab.get_by_text("prototypes rated").first
        expect(text).to_be_visible()
        codes.append(text.inner_text().split(":")[0])
        expect(tab.get_by_role("button", name="Another reviewer")).to_have_count(0)
        assert "R01" not in tab.url
    assert codes[0] == codes[2] != codes[1]
    assert "R01" not in "".join(codes)


def test_signing_out_ends_it_at_the_provider_too(clinic, tab):
    before = clinic.provider.signed_out
    sign_in(tab, clinic.url("studies"), "Cora")

    tab.get_by_role("button", name="Sign out").click()

    tab.wait_for_url(f"{clinic.server.url}/")
    expect(tab.get_by_text("A worked example")).to_be_visible()
    expect(tab.get_by_role("button", name="Sign out")).to_have_count(0)
    assert clinic.provider.signed_out == before + 1
    tab.goto(clinic.url("studies"))
    expect(tab.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


def test_signing_out_ends_it_in_all_tabs_and_for_whoever_copied_its_cookies(clinic, tab, new_tab):
    sign_in(tab, clinic.url("studies"), "Cora")
    second = tab.context.new_page()
    second.goto(clinic.url("studies"))
    expect(second.get_by_text("started 20")).to_be_visible()
    thief = new_tab()
    thief.context.add_cookies(tab.context.cookies())
    thief.goto(clinic.url("studies"))
    expect(thief.get_by_text("started 20")).to_be_visible()
    elsewhere = sign_in(new_tab(), clinic.url("studies"), "Cora")

    tab.get_by_role("button", name="Sign out").click()
    tab.wait_for_url(f"{clinic.server.url}/")

    for left in (second, thief):
        left.get_by_role("link", name="Results").click()
        expect(left.get_by_role("button", name="Sign in", exact=True)).to_be_visible()
        expect(left.get_by_text("you signed out in another tab")).to_be_visible()
    elsewhere.get_by_role("link", name="Results").click()
    expect(elsewhere.get_by_role("button", name="All ratings as CSV")).to_be_visible()


def test_a_cookie_of_somebodys_own_making_is_nobodys(clinic, tab):
    tab.context.add_cookies(
        [
            {
                "name": "_streamlit_user",
                "value": '{"is_logged_in": true, "email": "cora@clinic.example"}',
                "url": clinic.server.url,
            }
        ]
    )
    tab.goto(clinic.url("studies"))

    expect(tab.get_by_role("button", name="Sign in", exact=True)).to_be_visible()


def test_who_signed_in_is_neither_logged_nor_stored(clinic, new_tab):
    sign_in(new_tab(), clinic.url("studies"), "Cora")

    with sqlite3.connect(clinic.server.database.removeprefix("sqlite:///")) as connection:
        dump = "\n".join(connection.iterdump())
    assert "seat_account" in dump
    kept = (dump + clinic.server.log.read_text()).lower()
    for person in PEOPLE.values():
        assert person["sub"] not in kept
        assert person["email"].lower() not in kept


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('cookie_secret = "a secret of the tests that signs the cookies"', ""), "cookie_secret"),
        (("[auth]", "[auth"), "cannot be read as TOML"),
    ],
)
def test_malformed_secrets_close_the_pages_with_a_sentence(
    make_server, tmp_path, tab, change, message
):
    server = make_server(tmp_path, (SECRETS % "http://127.0.0.1:9").replace(*change))

    for page in CLOSED:
        tab.goto(f"{server.url}/{page}")
        expect(tab.get_by_text("Nobody can sign in here.")).to_be_visible()
        expect(tab.get_by_text(message)).to_be_visible()
        expect(tab.get_by_text("Traceback")).to_have_count(0)
    tab.goto(f"{server.url}/library?bundle=demo")
    expect(tab.get_by_text("Prototypes", exact=True).first).to_be_visible()


def test_without_the_package_a_sentence_names_it(make_server, tmp_path, tab):
    (tmp_path / "authlib.py").write_text("raise ModuleNotFoundError(name='authlib')\n")
    server = make_server(tmp_path, SECRETS % "http://127.0.0.1:9", PYTHONPATH=str(tmp_path))

    tab.goto(f"{server.url}/take_part")

    expect(tab.get_by_text("The Python package 'authlib' is not installed")).to_be_visible()


def test_at_another_address_than_the_providers_the_right_one_is_named(clinic, tab):
    tab.goto(clinic.url("rate").replace("127.0.0.1", "localhost"))

    expect(tab.get_by_text(f"Open this page at {clinic.server.url}")).to_be_visible()
    expect(tab.get_by_role("button", name="Sign in", exact=True)).to_have_count(0)
