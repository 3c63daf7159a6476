"""What pages need is loaded in the background, and Python never looks through it again."""

import platform
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
COLD = """
import gc, sys, time
from pages.shell import warming

assert "torch" not in sys.modules
warming.begin()
warming.begin()
warming.wait()
assert "torch" in sys.modules and "pages.explanation.finding" in sys.modules
begun = time.process_time()
gc.collect()
print(gc.get_freeze_count(), time.process_time() - begun)
"""


def test_what_is_loaded_at_the_start_is_never_looked_through_again():
    done = subprocess.run(
        [sys.executable, "-c", COLD], cwd=ROOT, capture_output=True, text=True, check=True
    )
    frozen, seconds = done.stdout.split()
    assert int(frozen) > 100_000
    assert float(seconds) < 0.1


def test_a_page_that_runs_without_a_server_waits_for_nothing():
    waits = "from pages.shell import warming; warming.wait()"
    subprocess.run([sys.executable, "-c", waits], cwd=ROOT, check=True, timeout=60)


def test_the_server_answers_before_what_pages_need_is_loaded():
    light = "import sys, app; assert 'torch' not in sys.modules and 'scipy' not in sys.modules"
    subprocess.run([sys.executable, "-c", light], cwd=ROOT, check=True, capture_output=True)


def test_no_run_of_a_page_looks_through_all_objects():
    """With many explanations kept that took most of the server's time; once a minute is enough."""
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert settings["runner"]["postScriptGC"] is False
    seldom = """
import time, weakref
from pages.shell import warming

class Cycle: pass
warming.EVERY_S = 0.1
warming.begin()
warming.wait()
one = Cycle()
one.itself = one
gone, one = weakref.ref(one), None
give_up = time.monotonic() + 60
while gone() is not None and time.monotonic() < give_up:
    time.sleep(0.05)
assert gone() is None
"""
    subprocess.run([sys.executable, "-c", seldom], cwd=ROOT, check=True, timeout=120)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="no glibc on this machine")
def test_what_was_removed_stands_in_no_memory_of_the_server_any_more():
    """A process of its own, as others' memory is not to be searched."""
    code = """
import re
from pages.shell import warming

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
for number in range(200):
    uploads.append(bytes(reversed(b"NNAMHCSTEWZ")) * 10_000)
    stays.append(bytes(1000 + number))
before = standing()
uploads.clear()
left = standing()
warming.give_back()
print(before, left, standing())
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    before, left, after = map(int, done.stdout.split())
    assert before >= 2_000_000 and left > 1_000_000
    assert after < before / 20
