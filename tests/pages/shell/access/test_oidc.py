import sys

import pytest
from streamlit import config

from pages.shell.access.oidc import SettingsError, comparable, settings, settings_from
from pages.shell.words import plain

CLIENT = {
    "client_id": "protoecg",
    "client_secret": "s",
    "server_metadata_url": "https://id.example/.well-known/openid-configuration",
}
SHARED = {"redirect_uri": "https://ecg.example/oauth2callback", "cookie_secret": "c" * 32}
OWN = {"coordinators": ["Cora@Clinic.example"], "account_secret": "a" * 32}
SECRETS = {"auth": {**SHARED, **CLIENT}, "protoecg": OWN}


@pytest.fixture
def file(tmp_path):
    before = config.get_option("secrets.files")
    config.set_option("secrets.files", [str(tmp_path / "secrets.toml")])
    yield tmp_path / "secrets.toml"
    config.set_option("secrets.files", before)


def test_without_a_word_of_it_nobody_is_asked_to_sign_in(file):
    assert settings_from({}) is None
    assert settings_from({"other": {"x": 1}}) is None
    assert settings() is None


def test_complete_secrets_are_taken():
    found = settings_from(SECRETS)
    assert found.providers == (None,)
    assert found.clients == {"protoecg"}
    assert found.origin == "https://ecg.example"
    assert found.coordinators == {"cora@clinic.example"}


@pytest.mark.parametrize(
    ("auth", "providers"),
    [
        ({"okta": CLIENT}, ("okta",)),
        ({"okta": CLIENT, "entra": CLIENT}, ("okta", "entra")),
        ({**CLIENT, "okta": CLIENT}, (None, "okta")),
        ({**CLIENT, "client_kwargs": {"prompt": "login"}}, (None,)),
    ],
)
def test_providers_with_and_without_names(auth, providers):
    assert settings_from({"auth": SHARED | auth, "protoecg": OWN}).providers == providers


def without(section, name):
    return SECRETS | {section: {k: v for k, v in SECRETS[section].items() if k != name}}


@pytest.mark.parametrize(
    ("secrets", "message"),
    [
        ({"auth": SECRETS["auth"]}, r"no section \[protoecg\]"),
        ({"protoecg": OWN}, r"no section \[auth\]"),
        (SECRETS | {"auth": "x"}, r"no section \[auth\]"),
        *((without("auth", name), f"lacks {name}") for name in SECRETS["auth"]),
        *((without("protoecg", name), f"lacks {name}") for name in OWN),
        (SECRETS | {"auth": {**SHARED, "okta": {"client_id": "x"}}}, r"\[auth.okta\].*lacks"),
        (SECRETS | {"auth": {**SHARED, "my_okta": CLIENT}}, "'_' in its name"),
        (SECRETS | {"auth": {**SECRETS["auth"], "cookie_secret": "xxx"}}, "has 3 characters"),
        (SECRETS | {"protoecg": {**OWN, "account_secret": "xxx"}}, "has 3 characters"),
        (SECRETS | {"protoecg": {**OWN, "coordinators": "a@b"}}, "expected a list"),
        (SECRETS | {"protoecg": {**OWN, "coordinators": ["Cora"]}}, "expected a list"),
        *(
            (SECRETS | {"protoecg": {**OWN, "coordinators": [address]}}, "an e-mail address alone")
            for address in (
                "Cora <cora@clinic.example>",
                "mailto:cora@clinic.example",
                "cora@clinic.example, dora@clinic.example",
                "cora@clinic.example\u200b",
                "cora@@clinic.example",
                "@",
            )
        ),
        *(
            (SECRETS | {"auth": {**SECRETS["auth"], "redirect_uri": address}}, "redirect_uri")
            for address in ("https://ecg.example", "ecg.example/oauth2callback")
        ),
    ],
)
def test_what_is_missing_or_wrong_is_said(secrets, message):
    with pytest.raises(SettingsError, match=message):
        settings_from(secrets)


def test_a_file_that_is_no_toml_is_not_taken_for_none(file):
    file.write_text("[auth\n")
    with pytest.raises(SettingsError, match="cannot be read as TOML"):
        settings()


def test_a_missing_package_is_named(page, monkeypatch):
    monkeypatch.setitem(sys.modules, "authlib.integrations.starlette_client", None)
    app = page("take_part")
    app.secrets = SECRETS
    app.run()
    missing = "package 'authlib.integrations.starlette_client' is not installed"
    assert plain(missing) in app.error[0].value
    assert not app.text_input


def test_addresses_are_compared_without_regard_to_case_and_to_nothing_else():
    assert comparable(" Cora@Clinic.Example ") == "cora@clinic.example"
    assert comparable("\N{KELVIN SIGN}im@clinic.example") != comparable("kim@clinic.example")
    assert comparable("gro\N{LATIN SMALL LETTER SHARP S}@x.example") != "gross@x.example"
