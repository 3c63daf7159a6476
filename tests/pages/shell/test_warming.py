"""What pages need is loaded in the background, and Python never looks through it again."""

import subprocess
import sys
import tomllib
from pathlib import Path

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
# Looking through all that pages need ten times a second would take many seconds by itself.
warming.MODULES, warming.EVERY_S = (), 0.1
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
