"""Sign-in by OpenID Connect: what the server's secrets say of it, checked before it is used."""

from __future__ import annotations

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import streamlit as st
from streamlit.errors import StreamlitSecretNotFoundError

SHORTEST_SECRET = 32
CALLBACK = "/oauth2callback"
_SERVER = ("redirect_uri", "cookie_secret")
# More would match nobody, and so shut somebody out without a word.
_ADDRESS = re.compile(r"[^@\s<>,;:\"]+@[^@\s<>,;:\"]+")
_CLIENT = ("client_id", "client_secret", "server_metadata_url")


class SettingsError(ValueError):
    """Sign-in is asked for, but not set up as it has to be."""


@dataclass(frozen=True)
class Settings:
    """How people sign in; a provider without a name of its own is None.

    `clients` is what providers know this app as, `origin` where the app has to be opened for it,
    and `account_secret` what accounts are digested with.
    """

    providers: tuple[str | None, ...]
    clients: frozenset[str]
    origin: str
    coordinators: frozenset[str]
    account_secret: bytes


def settings() -> Settings | None:
    """Return how people sign in here, or None where the server asks for no sign-in.

    Raises
    ------
    SettingsError
        If the secrets cannot be read, something in them is missing or wrong, or a package is.
    """
    try:
        found = settings_from(st.secrets.to_dict())
    except StreamlitSecretNotFoundError as error:
        if not any(Path(file).exists() for file in st.get_option("secrets.files")):
            return None
        raise SettingsError("The server's secrets.toml cannot be read as TOML.") from error
    if found is not None:
        _require_packages()
    return found


def own_origin() -> str | None:
    """Return where the app has to be opened for signing in, None where nobody signs in."""
    try:
        wanted = settings()
    except SettingsError:
        return None
    return wanted.origin if wanted else None


def settings_from(secrets: Mapping[str, Any]) -> Settings | None:
    """Return what secrets say of sign-in, or None where they say nothing of it.

    Raises
    ------
    SettingsError
        If something is missing or wrong.
    """
    # One of the two alone is a mistake, after which nobody would be asked to sign in.
    if "auth" not in secrets and "protoecg" not in secrets:
        return None
    auth, own = _table(secrets, "auth"), _table(secrets, "protoecg")
    redirect, cookie_secret = (_text(auth, "[auth]", name) for name in _SERVER)
    _refuse_short(cookie_secret, "cookie_secret in [auth]")
    account_secret = _text(own, "[protoecg]", "account_secret")
    _refuse_short(account_secret, "account_secret in [protoecg]")
    tables = _providers(auth)
    return Settings(
        tuple(tables),
        frozenset(table["client_id"] for table in tables.values()),
        _origin(redirect),
        _coordinators(own),
        account_secret.encode(),
    )


def comparable(address: str) -> str:
    """Return an e-mail address in the one form that it is compared in."""
    # Small letters of other scripts may be those of ASCII: the Kelvin sign becomes a k.
    return address.strip().lower() if address.isascii() else address


def _table(secrets: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    table = secrets.get(name)
    if not isinstance(table, Mapping):
        raise SettingsError(f"secrets.toml has no section [{name}].")
    return table


def _text(table: Mapping[str, Any], section: str, name: str) -> str:
    value = table.get(name)
    if not isinstance(value, str) or not value.strip():
        raise SettingsError(f"{section} in secrets.toml lacks {name}, expected a text.")
    return value


def _refuse_short(secret: str, name: str) -> None:
    if len(secret) < SHORTEST_SECRET:
        raise SettingsError(
            f"{name} of secrets.toml has {len(secret)} characters, expected {SHORTEST_SECRET} or "
            "more drawn at random: who guesses it can be anybody."
        )


def _providers(auth: Mapping[str, Any]) -> dict[str | None, Mapping[str, Any]]:
    tables: dict[str | None, Mapping[str, Any]] = {
        name: table
        for name, table in auth.items()
        if isinstance(table, Mapping) and name != "client_kwargs"
    }
    if not tables or any(name in auth for name in _CLIENT):
        tables = {None: auth, **tables}
    for name, table in tables.items():
        for setting in _CLIENT:
            _text(table, f"[auth.{name}]" if name else "[auth]", setting)
        if name and "_" in name:
            raise SettingsError(f"The provider [auth.{name}] has '_' in its name; leave it out.")
    return tables


def _origin(redirect: str) -> str:
    address = urlsplit(redirect.replace("{port}", str(st.get_option("server.port"))))
    if address.scheme not in ("http", "https") or not address.path.endswith(CALLBACK):
        raise SettingsError(
            f"redirect_uri in [auth] of secrets.toml is {redirect!r}, expected the app's own "
            f"address with {CALLBACK}, such as https://ecg.example.org{CALLBACK}."
        )
    return f"{address.scheme}://{address.netloc}"


def _coordinators(own: Mapping[str, Any]) -> frozenset[str]:
    given = own.get("coordinators")
    if not isinstance(given, list) or not all(isinstance(one, str) and "@" in one for one in given):
        raise SettingsError(
            "[protoecg] in secrets.toml lacks coordinators, expected a list of e-mail addresses."
        )
    addresses = frozenset(comparable(address) for address in given)
    for address in sorted(addresses):
        if not address.isprintable() or not _ADDRESS.fullmatch(address):
            raise SettingsError(
                f"coordinators in [protoecg] of secrets.toml lists {address!r}, expected an e-mail "
                "address alone, as the provider says it: name@example.org."
            )
    return addresses


def _require_packages() -> None:
    try:
        importlib.import_module("authlib.integrations.starlette_client")
    except ImportError as error:
        raise SettingsError(
            f"The Python package {error.name or 'authlib'!r} is not installed, which sign-in "
            "needs. Install what requirements.txt lists."
        ) from error
