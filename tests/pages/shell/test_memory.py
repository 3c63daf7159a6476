"""What was removed is gone from the server's memory."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="no glibc on this machine")
def test_what_was_removed_stands_in_no_memory_of_the_server_any_more():
    """A process of its own, as others' memory is not to be searched."""
    code = """
import threading
from pages.shell import memory

def standing():
    found = 0
    with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb") as memory:
        for line in maps:
            if "[heap]" in line or line.split()[-1] == "0":
                start, end = (int(one, 16) for one in line.split()[0].split("-"))
                memory.seek(start)
                found += memory.read(end - start).count(bytes(reversed(b"NNAMHCSTEWZ")))
    return found

# As large as an upload, below what the system would take back by itself, between what stays.
uploads, stays = [], []

def fill():
    for number in range(200):
        uploads.append(bytes(reversed(b"NNAMHCSTEWZ")) * 10_000)
        stays.append(bytes(1000 + number))
    # The last ones border on what was never used.
    uploads.extend(bytes(reversed(b"NNAMHCSTEWZ")) * (10_000 + n) for n in range(100))

memory.keep_one_heap()
# Once a large one was freed, glibc keeps what is smaller.
large = bytearray(30_000_000)
del large
thread = threading.Thread(target=fill)
thread.start()
thread.join()
before = standing()
uploads.clear()
left = standing()
memory.give_back()
print(before, left, standing())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    before, left, after = map(int, done.stdout.split())
    assert before >= 2_000_000 and left > 1_000_000
    assert after < before / 20
