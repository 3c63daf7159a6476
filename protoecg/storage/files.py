"""Files that are whole or not there, JSON files that say what they are, TOML in bounds."""

from __future__ import annotations

import errno
import json
import os
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

import pydantic.dataclasses
import pydantic_core
from pydantic import ConfigDict, TypeAdapter, ValidationError

# What comes with a download has the very types that it is declared with, and nothing more.
STRICT = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)
MAX_TOML_CHARACTERS = 100_000
# Of UTF-8, four bytes a character at most.
_MAX_TOML_BYTES = 4 * MAX_TOML_CHARACTERS
# Time and memory of the library grow with the square of a key's parts: a key of 50,000 takes
# 10 GB, one of all these a fifth of a second.
MAX_TOML_DOTS = 2_000
_READABLE_BY_ALL = 0o644
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}

T = TypeVar("T")


class FormatError(ValueError):
    """A file that is not what it should be, worded without a full stop, for advice to follow.

    `newer` if only a later program can read it; then the advice is in it.
    """

    def __init__(self, message: str, *, newer: bool = False) -> None:
        super().__init__(message)
        self.newer = newer


@contextmanager
def atomic_write(path: Path, *, sync: bool = True) -> Iterator[IO[bytes]]:
    """Open a file that takes the place of `path` once all of it is written.

    At no time, a kill included, does a part of it stand under its name; until it is whole, what
    was there stays. A kill may leave a hidden file that ends in `.part` beside it.

    Parameters
    ----------
    sync : whether this also holds where the power fails; slow for thousands of files
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            if sync:
                os.fsync(file.fileno())
        os.chmod(name, path.stat().st_mode if path.exists() else _READABLE_BY_ALL)
        os.replace(name, path)
    except BaseException as error:
        Path(name).unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)
        raise
    if sync:
        _sync_folder(path.parent)


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Give a folder to fill that becomes `path` once all of it is written; else nothing is there.

    Raises
    ------
    FileExistsError
        If something is there already.
    PermissionError
        If it cannot be made there.
    """
    refuse_taken(path)
    part = path.with_name(f".{path.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        part.rename(path)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def refuse_taken(path: Path) -> None:
    """Refuse a place for a new folder where something is, or nothing can be, see `new_folder`."""
    if path.exists():
        raise FileExistsError(f"{path} is there already. Name another folder, or remove it.")
    there = next(parent for parent in path.absolute().parents if parent.exists())
    if not os.access(there, os.W_OK):
        raise PermissionError(f"{path} cannot be written to. Name another folder.")


def write_bytes(path: Path, content: bytes, *, sync: bool = True) -> None:
    """Write a file in one step: see `atomic_write`."""
    with atomic_write(path, sync=sync) as file:
        file.write(content)


def write_json(path: Path, content: Any) -> None:
    """Write a JSON file that people can read, in one step."""
    text = json.dumps(content, indent=1, ensure_ascii=False)
    write_bytes(path, f"{text}\n".encode())


def in_words(error: Exception) -> str:
    """Return an error's message; where a disk is full, in words that say what to do."""
    if isinstance(error, OSError) and error.errno in _FULL:
        return (
            f"There is no room left to write {error.filename or 'a file'}: {error.strerror}. Free "
            "some, then do the same again; what was there before is as it was."
        )
    return str(error)


def checksum(file: Path) -> str:
    """Return a file's SHA-256 in hex."""
    with file.open("rb") as opened:
        return file_digest(opened, "sha256").hexdigest()


def may_never_end(path: Path) -> bool:
    """Say whether what is there is neither file nor folder: a pipe or device may have no end."""
    return path.exists() and not path.is_file() and not path.is_dir()


def read_limited(file: Path, max_bytes: int) -> bytes:
    """Return a file's content, or raise `FormatError` if it is larger than any of its kind.

    A pipe or a device is no file: it may have no end.
    """
    if may_never_end(file):
        raise FormatError(f"{file} is no file")
    if file.stat().st_size > max_bytes:
        raise FormatError(f"{file} is larger than any of its kind")
    return file.read_bytes()


@pydantic.dataclasses.dataclass(frozen=True, config=STRICT, kw_only=True)
class Head:
    """The first fields of a JSON file: its format and version."""

    format: str
    version: int


H = TypeVar("H", bound=Head)


@dataclass(frozen=True)
class Format(Generic[H]):
    """A kind of JSON file that states its format and version.

    Parameters
    ----------
    name : what the file calls its format, such as `"protoecg-card"`
    version : what is written; older ones are read, from `oldest` on
    content : what the file holds, checked by its types
    max_bytes : larger files are not read
    """

    name: str
    version: int
    content: type[H]
    max_bytes: int
    oldest: int = 1

    def read(self, file: Path) -> H:
        """Read a file of this kind.

        Raises
        ------
        FormatError
            If it is too large, damaged, of another format, newer, or holds something else than
            what is declared.
        """
        content = read_limited(file, self.max_bytes)
        self._refuse_others(file, content)
        return validated(TypeAdapter(self.content), file, content)

    def write(self, file: Path, **content: Any) -> None:
        """Write a file of this kind in one step."""
        write_json(file, {"format": self.name, "version": self.version, **content})

    def _refuse_others(self, file: Path, content: bytes) -> None:
        try:
            found = pydantic_core.from_json(content)
        except ValueError as error:
            raise FormatError(f"{file} is damaged: {error}") from error
        if not isinstance(found, dict) or found.get("format") != self.name:
            raise FormatError(f"{file} was not written by ProtoECG")
        version = found.get("version")
        if type(version) is not int or not self.oldest <= version <= self.version:
            kind = self.name.removeprefix("protoecg-")
            raise FormatError(
                f"{file} has {kind} format {version!r}, this program reads {self._versions()}. "
                "Update ProtoECG to use it.",
                newer=True,
            )

    def _versions(self) -> str:
        return f"up to {self.version}" if self.oldest < self.version else str(self.version)


def validated(kind: TypeAdapter[T], file: Path, content: bytes) -> T:
    """Return JSON as what it is declared to be, or raise `FormatError` that names the place."""
    try:
        return kind.validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(map(str, (file.name, *first["loc"])))
        raise FormatError(f"{place}: {first['msg']}") from error


def toml_text(file: Path) -> str:
    """Return a file of settings as text, or raise `ValueError` if it is none or too large."""
    return read_limited(file, _MAX_TOML_BYTES).decode("utf-8")


def read_toml(text: str) -> dict[str, Any]:
    """Return the tables of settings in TOML that somebody hands over.

    Raises
    ------
    ValueError
        If it is none, or larger than settings are; the message is meant for who wrote it.
    """
    if len(text) > MAX_TOML_CHARACTERS:
        raise ValueError(f"it has more than {MAX_TOML_CHARACTERS:,} characters")
    if text.count(".") > MAX_TOML_DOTS:
        raise ValueError(f"it has more than {MAX_TOML_DOTS:,} full stops")
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("its tables lie too deep in each other") from None
    except tomllib.TOMLDecodeError:
        raise
    except ValueError:
        raise ValueError("it has a number of too many digits") from None


def _sync_folder(folder: Path) -> None:
    """Make a new name last; Windows has no such call, and needs none."""
    if sys.platform == "win32":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
