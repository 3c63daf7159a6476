"""Linux's Landlock: a process shuts itself in to a few folders, for good and without any rights.

The calls and their numbers are those of the kernel's own description, `linux/landlock.h`.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION, _PATH_BENEATH, _NO_NEW_PRIVILEGES = 1, 1, 38

_EXECUTE, _READ_FILE = 1 << 0, 1 << 2
_READ_FOLDERS = _EXECUTE | _READ_FILE | 1 << 3
# What there is to do with files, by the version that began to know of it.
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: 1 << 13, 3: 1 << 14, 5: 1 << 15}
# To bind and connect by TCP, since version 4; sockets and signals to others, since 6.
_NETWORK_RIGHTS, _SCOPES = 0b11, 0b11


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scopes", ctypes.c_uint64),
    )


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def version() -> int:
    """Return the version of Landlock that this system has; 0 where it has none."""
    return max(_call(_CREATE_RULESET, None, 0, _ASK_VERSION), 0) if sys.platform == "linux" else 0


def shut_in(readable: Iterable[Path], writable: Path) -> bool:
    """Keep this process to reading in some folders and writing in one; say whether it is kept.

    It also loses TCP, and signals and other sockets to processes outside, where the system's
    version knows of them. Nothing brings any of it back.
    """
    known = version()
    if not known:
        return False
    files = sum(rights for since, rights in _FILE_RIGHTS.items() if since <= known)
    ruleset = _Ruleset(files, _NETWORK_RIGHTS * (known >= 4), _SCOPES * (known >= 6))
    rules = _call(_CREATE_RULESET, ctypes.byref(ruleset), ctypes.sizeof(ruleset), 0)
    if rules < 0:
        return False
    try:
        for path in readable:
            _allow(rules, path, _READ_FOLDERS if path.is_dir() else _READ_FILE)
        _allow(rules, writable, files & ~_EXECUTE)
        _libc().prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0)
        return _call(_RESTRICT_SELF, rules, 0) == 0
    finally:
        os.close(rules)


def _allow(rules: int, path: Path, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    # Not every system has every folder.
    except FileNotFoundError:
        return
    beneath = _Beneath(rights, opened)
    _call(_ADD_RULE, rules, _PATH_BENEATH, ctypes.byref(beneath), 0)
    os.close(opened)


def _call(number: int, *arguments: object) -> int:
    result: int = _libc().syscall(ctypes.c_long(number), *arguments)
    return result


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
