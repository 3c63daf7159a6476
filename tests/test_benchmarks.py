"""The README's speed is printed by a command that runs."""

import json
import subprocess
import sys


def test_every_task_is_timed_against_the_published_networks(tmp_path):
    file = tmp_path / "speed.json"
    command = [sys.executable, "-m", "benchmarks", "--network", "demo", "--ecgs", "24"]
    subprocess.run([*command, "--repeats", "1", "--json", file], check=True, capture_output=True)
    tasks = json.loads(file.read_text())["tasks"]
    named = [task.split(",")[0] for task in tasks]
    assert named == ["inference", "explanation", "projection", "training"]
    assert all(times["ours_s"] > 0 and times["theirs_s"] > 0 for times in tasks.values())
