"""Which database holds the ratings, as an SQLAlchemy URL."""

from __future__ import annotations

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from protoecg.settings import settings
from protoecg.storage import folders
from review_db.store.failures import RatingsError, database_name

# What SQLAlchemy would take instead is under a copyleft licence.
_DRIVERS = {"postgresql": "postgresql+pg8000"}


def database_url(url: str | URL | None = None) -> URL:
    """Return the URL given, else that of `PROTOECG_DATABASE_URL`, else of `data/ratings.db`.

    Raises
    ------
    RatingsError
        If it is none, or of no kind of database that can hold ratings.
    """
    default = URL.create("sqlite", database=str(folders.ratings()))
    from_settings = settings().database_url
    given = url or (from_settings and from_settings.get_secret_value()) or default
    try:
        address = make_url(given)
    # A host that begins as an address of IPv6 and is none raises the latter.
    except (ArgumentError, ValueError) as error:
        # What cannot be taken apart may hold a password.
        shown = "The address given" if "@" in str(given) else repr(str(given))
        raise RatingsError(
            f"{shown} is no database URL. Expected one such as sqlite:///data/ratings.db or "
            "postgresql://user:password@host/name."
        ) from error
    _refuse_unsuitable(address)
    return address.set(drivername=_DRIVERS.get(address.drivername, address.drivername))


def _refuse_unsuitable(address: URL) -> None:
    kind = address.get_backend_name()
    if kind not in ("sqlite", "postgresql"):
        raise RatingsError(
            f"{database_name(address)} is of the kind {kind!r}, expected sqlite or postgresql."
        )
    if kind == "sqlite" and address.database in (None, "", ":memory:"):
        raise RatingsError(
            "An SQLite database in memory would lose every rating when the app stops. Give a "
            "file, such as sqlite:///data/ratings.db."
        )
