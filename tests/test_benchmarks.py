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


def test_the_cost_of_a_process_for_each_file_is_told(tmp_path):
    file = tmp_path / "reading.json"
    command = [sys.executable, "-m", "benchmarks", "reading", "--repeats", "2", "--json", file]
    subprocess.run(command, check=True, capture_output=True)
    files = json.loads(file.read_text())["files"]
    assert list(files) == ["CSV", "NPY", "WFDB"]
    assert all(times["apart_ms"] > times["here_ms"] > 0 for times in files.values())
