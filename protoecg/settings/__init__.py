"""Every setting that the environment has a word in, typed, in one place.

`python -m protoecg settings` prints them, docs/deployment.md lists them. They are read anew each
time: tests and long-running servers see what holds now.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

PREFIX = "PROTOECG_"
_ON, _OFF = {"on", "yes", "true", "1"}, {"off", "no", "false", "0"}


def _switch(otherwise: bool) -> BeforeValidator:
    """Take words for on and off; another word leaves what is so without one."""
    known = dict.fromkeys(_ON, True) | dict.fromkeys(_OFF, False)
    return BeforeValidator(lambda word: known.get(str(word).lower(), otherwise))


def _setting(default: Any, about: str, otherwise: str) -> Any:
    """Declare a setting: what it names, and in words what holds where it is not given."""
    return Field(default, description=about, json_schema_extra={"otherwise": otherwise})


class Settings(BaseModel):
    """What the environment says; a field `x` is the variable `PROTOECG_X`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    models: Path | None = _setting(None, "the folder of bundles", "`models`")
    ptbxl: Path | None = _setting(None, "a local PTB-XL, for the prototypes' ECGs", "`data/ptbxl`")
    cache: Path | None = _setting(None, "where fetched ECGs are kept", "`data/cache`")
    fetch: Annotated[bool, _switch(otherwise=True)] = _setting(
        True, "`off`: the app fetches nothing", "it fetches what is missing"
    )
    physionet: str | None = _setting(
        None, "where ECGs are fetched from", "PTB-XL 1.0.3 at PhysioNet"
    )
    database_url: SecretStr | None = _setting(
        None, "the database of ratings", "SQLite file `data/ratings.db`"
    )
    coordinator_key: SecretStr | None = _setting(
        None, "a key of 16 characters or more for Studies and Results", "none: open"
    )
    open_reviewers: Annotated[bool, _switch(otherwise=False)] = _setting(
        False, "`yes`: on Rate a reviewer code needs no secret", "each code needs its secret"
    )


def settings() -> Settings:
    """Return what the environment says now; a variable that is empty says nothing."""
    return Settings.model_validate(
        {name: value for name in Settings.model_fields if (value := os.environ.get(variable(name)))}
    )


def variable(name: str) -> str:
    """Return the environment's name of a setting."""
    return f"{PREFIX}{name.upper()}"
