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


def test_a_batch_by_several_processes_is_timed_beside_one(tmp_path):
    file = tmp_path / "batch.json"
    command = [sys.executable, "-m", "benchmarks", "batch", "--network", "demo", "--ecgs", "512"]
    subprocess.run([*command, "--jobs", "2", "--json", file], check=True, capture_output=True)
    jobs = json.loads(file.read_text())["jobs"]
    assert list(jobs) == ["1", "2"]
    for run in jobs.values():
        assert run["ecgs_per_s"] > 512 / run["whole_s"] > 0
        assert 1 < run["cpu_ms"] < 1000
        assert 100 < run["first_mb"] and run["last_mb"] < 1.3 * run["first_mb"]
