"""Sign-ins that are not what they say, driven by a client without a browser at a real server."""

import re
import time
from dataclasses import dataclass

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from openid_provider import CLIENT, COOKIE_SECRET, SECRET, SECRETS, Provider
from stranger import Stranger

CORA = {"sub": "1003-cora", "email": "Cora@Clinic.example", "email_verified": True}
HOUR = 3600


@dataclass
class Clinic:
    """A server that asks people to sign in, and its provider."""

    server: object
    provider: Provider

    def sign_in(self, **claims) -> requests.Session:
        """Go the way that a browser goes, as Cora with other claims."""
        self.provider.people = {"Cora": CORA | claims}
        browser = requests.Session()
        page = browser.get(self.begin(), timeout=30)
        browser.get(re.search('href="([^"]+)"', page.text)[1], timeout=30)
        return browser

    def begin(self) -> str:
        """Return the address that the button of the page leads to."""
        wanted = {"provider": "default", "exp": int(time.time()) + 60}
        token = jwt.encode({"alg": "HS256"}, wanted, OctKey.import_key(COOKIE_SECRET))
        return f"{self.server.url}/auth/login?provider={token}"

    def sees(self, browser: requests.Session, page: str = "studies") -> str:
        """Return what a page says to a browser."""
        browser.get(f"{self.server.url}/_stcore/health", timeout=30)
        cookies = "; ".join(f"{one.name}={one.value}" for one in browser.cookies)
        token = browser.cookies["_streamlit_xsrf"]
        stranger = Stranger(self.server.url, token=token, Cookie=cookies)
        try:
            return stranger.open(page)
        finally:
            stranger.close()


ADMITTED, NO_COORDINATOR, NOBODY = "New study", "This page is for the coordinators", "Sign in"


@pytest.fixture(scope="module")
def clinic(make_server, tmp_path_factory):
    provider = Provider({})
    yield Clinic(make_server(tmp_path_factory.mktemp("clinic"), SECRETS % provider.url), provider)
    provider.stop()


def test_the_way_itself_leads_in(clinic):
    assert ADMITTED in clinic.sees(clinic.sign_in())


def at(seconds):
    return int(time.time()) + seconds


@pytest.mark.parametrize(
    "claims",
    [
        lambda: {"iss": "http://evil.example"},
        lambda: {"aud": "somebody-else"},
        lambda: {"aud": ["somebody-else"], "azp": CLIENT},
        lambda: {"aud": [CLIENT, "somebody-else"], "azp": "somebody-else"},
        lambda: {"exp": at(-HOUR)},
        lambda: {"nonce": "another"},
        lambda: {"iat": at(10 * 24 * HOUR), "exp": at(20 * 24 * HOUR)},
        lambda: {"iat": at(-13 * HOUR)},
        lambda: {"iat": float("nan")},
        lambda: {"iat": "now"},
        lambda: {"iat": True},
        lambda: {"sub": ""},
    ],
    ids=lambda claims: str(sorted(claims())),
)
def test_a_token_that_is_not_for_here_and_now_signs_nobody_in(clinic, claims):
    text = clinic.sees(clinic.sign_in(**claims()))

    assert NOBODY in text and ADMITTED not in text and NO_COORDINATOR not in text


@pytest.mark.parametrize(
    "claims",
    [
        {"email_verified": False},
        {"email_verified": "false"},
        {"email_verified": None},
        {"email_verified": 2},
        {"email": "cora@clinic.example.evil.example"},
        {"email": "cora@clinic.example\x00"},
        {"email": "\u212aora@clinic.example"},
        {"email": "cora@clinic.e\u200bxample"},
        {"email": ["cora@clinic.example"]},
        {"email": None, "preferred_username": "cora@clinic.example"},
    ],
    ids=repr,
)
def test_who_has_not_the_verified_address_of_a_coordinator_is_none(clinic, claims):
    text = clinic.sees(clinic.sign_in(**claims))

    assert NO_COORDINATOR in text and ADMITTED not in text


def test_a_token_that_another_key_signed_signs_nobody_in(clinic):
    own = clinic.provider.sign
    forged = {
        "another key": lambda claims: jwt.encode(
            {"alg": "RS256", "kid": "1"}, claims, RSAKey.generate_key(2048)
        ),
        "the client's secret": lambda claims: jwt.encode(
            {"alg": "HS256", "kid": "1"}, claims, OctKey.import_key(SECRET)
        ),
        "no key": lambda claims: own(claims).rpartition(".")[0] + ".",
    }
    try:
        for how, sign in forged.items():
            clinic.provider.sign = sign
            assert ADMITTED not in clinic.sees(clinic.sign_in()), how
    finally:
        clinic.provider.sign = own


def test_a_callback_signs_in_the_browser_that_asked_and_once(clinic):
    clinic.provider.people = {"Cora": CORA}
    browser, other = requests.Session(), requests.Session()
    page = browser.get(clinic.begin(), timeout=30)
    back = re.search('href="([^"]+)"', page.text)[1]

    other.get(back, timeout=30)
    forged = browser.get(re.sub("state=[^&]+", "state=made-up", back), timeout=30)
    assert forged.url == f"{clinic.server.url}/"
    assert NOBODY in clinic.sees(other) and NOBODY in clinic.sees(browser)

    browser.get(back, timeout=30)
    assert ADMITTED in clinic.sees(browser)
    other.get(back, timeout=30)
    assert NOBODY in clinic.sees(other)


def test_a_sign_in_ends_on_this_server_alone_whatever_address_is_asked_for(clinic):
    clinic.provider.people = {"Cora": CORA}
    browser = requests.Session()
    evil = "http://evil.example/"
    for name in ("next", "redirect_uri", "return_to", "redirect"):
        page = browser.get(f"{clinic.begin()}&{name}={evil}", timeout=30)
        back = re.search('href="([^"]+)"', page.text)[1]
        answer = browser.get(f"{back}&{name}={evil}", timeout=30, allow_redirects=False)
        assert answer.headers["Location"] == "/"
    for path in ("/auth/login", "/auth/logout", "/oauth2callback"):
        for query in (f"provider={evil}", f"next={evil}", f"error=x&error_uri={evil}"):
            answer = requests.get(
                f"{clinic.server.url}{path}?{query}", timeout=30, allow_redirects=False
            )
            assert "evil" not in answer.headers.get("Location", ""), (path, query)


def test_a_name_or_the_case_of_an_address_that_changes_leaves_an_account_what_it_is(clinic):
    codes = set()
    for change in ({}, {"name": "Cora B."}, {"email": "CORA@CLINIC.EXAMPLE"}, {"email": "c@b.c"}):
        codes |= set(re.findall(r"\bA[A-Z2-7]{8}\b", clinic.sees(clinic.sign_in(**change), "rate")))
    assert len(codes) == 1
    others = clinic.sees(clinic.sign_in(sub="1003-CORA"), "rate")
    assert not codes & set(re.findall(r"\bA[A-Z2-7]{8}\b", others))


def test_who_is_taken_off_the_list_of_coordinators_is_none_any_more(clinic):
    browser = clinic.sign_in()
    assert ADMITTED in clinic.sees(browser)
    listed = clinic.server.secrets.read_text()
    try:
        clinic.server.secrets.write_text(listed.replace("cora@", "dora@"))
        deadline = time.monotonic() + 20
        while ADMITTED in (text := clinic.sees(browser)) and time.monotonic() < deadline:
            time.sleep(0.5)
        assert NO_COORDINATOR in text
    finally:
        clinic.server.secrets.write_text(listed)


def test_nothing_that_a_stranger_has_logged_moves_a_terminals_cursor(clinic):
    odd = "\x1b[2Jhttp://evil.example\x07\x9b31m"
    requests.get(
        f"{clinic.server.url}/oauth2callback",
        params={"state": "1", "error": odd, "error_description": odd},
        timeout=30,
    )
    log = clinic.server.log.read_text()
    assert "evil.example" in log
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", log)
