"""What the process that reads a file is kept from: more than its limits, network, programs."""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys
import sysconfig
import tempfile
from collections.abc import Callable
from pathlib import Path

from protoecg.isolation import landlock
from protoecg.isolation.limits import Limits

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_MAX_OPEN_FILES = 64
_MAX_FILE_BYTES = 64_000_000
# What Python and its libraries may still load: their code, time zones, nothing of anybody's.
_CODE = (
    *(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
    Path(__file__).resolve().parents[1],
    *map(Path, ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo")),
    *map(Path, ("/etc/ld.so.cache", "/dev/null", "/dev/urandom")),
)
_FORBIDDEN = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.fork", "pty.")


def cut_off_network() -> bool:
    """Give this process, of one thread yet, and its children an empty network of their own.

    Returns
    -------
    Whether the system let it: Linux does where it lets users make namespaces. Elsewhere only
    Python's own ways to the network are closed, by `confine`.
    """
    if sys.platform != "linux" or not _is_possible(_unshare_network):
        return False
    _unshare_network()
    return True


def _is_possible(step: Callable[[], None]) -> bool:
    """Try a step that has no way back in a process that ends with it."""
    if process := os.fork():
        return os.waitpid(process, 0)[1] == 0
    try:
        step()
    except BaseException:
        os._exit(1)
    os._exit(0)


def _unshare_network() -> None:
    user, group = os.getuid(), os.getgid()
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWUSER | _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "no namespace of its own")
    # Who has no name in the new namespace can make no files.
    Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1", encoding="ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1", encoding="ascii")


def confine(limits: Limits, folder: Path) -> None:
    """Hold this process to limits for good, with `folder` for its files, the only ones it sees.

    That it sees no others asks for Linux with Landlock (5.13 or newer). Beyond its time the system
    ends it, whatever it is doing; beyond its memory it gets none.
    """
    os.chdir(folder)
    os.umask(0o077)
    tempfile.tempdir = str(folder)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    # The server ends what is late; should it be gone, the system does.
    signal.setitimer(signal.ITIMER_REAL, limits.clock_s + 1)
    _limit(resource.RLIMIT_CPU, limits.processor_s, limits.processor_s + 1)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, _MAX_FILE_BYTES)
    _limit(resource.RLIMIT_NOFILE, _MAX_OPEN_FILES)
    _limit(resource.RLIMIT_NPROC, 0)
    if held := _address_space():
        _limit(resource.RLIMIT_AS, held + limits.memory_mb * 1_000_000)
    landlock.shut_in(_CODE, folder)
    sys.addaudithook(_forbid)


def _limit(what: int, most: int, at_last: int | None = None) -> None:
    _, hard = resource.getrlimit(what)
    wanted = (most, most if at_last is None else at_last)
    unlimited = hard == resource.RLIM_INFINITY
    resource.setrlimit(what, wanted if unlimited else (min(most, hard), min(wanted[1], hard)))


def _address_space() -> int:
    """Return the bytes of address space that this process has; 0 where the system won't tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    except OSError:
        return 0
    return pages * resource.getpagesize()


def _forbid(event: str, _: object) -> None:
    if event.startswith(_FORBIDDEN):
        raise PermissionError(f"reading a file needs no {event}")
