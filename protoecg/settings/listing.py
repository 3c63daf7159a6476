"""The settings as a list: what each names, what holds now, and no secret."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterator
from pathlib import Path

from pydantic import SecretStr

from protoecg.settings import PREFIX, Settings, settings, variable


def described() -> Iterator[tuple[str, str, str]]:
    """Yield of each setting its variable, what it names, and what holds without it."""
    for name, field in Settings.model_fields.items():
        extra = field.json_schema_extra
        otherwise = extra["otherwise"] if isinstance(extra, dict) else ""
        yield variable(name), str(field.description), str(otherwise)


def shown() -> Iterator[tuple[str, str]]:
    """Yield each variable and what holds, secrets as no more than that they are given."""
    found = settings()
    for name, (words, _, otherwise) in zip(Settings.model_fields, described(), strict=True):
        value = getattr(found, name)
        if name not in found.model_fields_set:
            yield words, f"not given: {otherwise.replace('`', '')}"
        elif isinstance(value, SecretStr):
            yield words, "given, not shown"
        else:
            yield words, _in_words(value)


def _in_words(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def unknown() -> list[str]:
    """Return variables of our prefix that are no settings: misspelt, as a rule."""
    known = {variable(name) for name in Settings.model_fields}
    return sorted(name for name in os.environ if name.startswith(PREFIX) and name not in known)


def server_files(project: Path) -> list[str]:
    """Say what `.streamlit` holds: the server's settings, and whether people sign in by it."""
    folder = project / ".streamlit"
    file, secrets = folder / "config.toml", folder / "secrets.toml"
    held = "given, not shown" if secrets.is_file() else "not given: nobody signs in by OpenID"
    if not file.is_file():
        return [f"No {file}: the app runs from a checkout.", f"{secrets}: {held}"]
    server = tomllib.loads(file.read_text(encoding="utf-8")).get("server", {})
    lines = [f"server.{name:19}{json.dumps(value)}" for name, value in server.items()]
    return [f"{file}:", *lines, f"{secrets}: {held}"]
