import json

from training.__main__ import main


def test_labels_that_measurements_contradict_are_counted(simulated_root, tmp_path, capsys):
    file = tmp_path / "guards.json"
    command = ["guards", "--data", simulated_root, "--fold", 9, "--json", file]
    assert main([str(part) for part in command]) == 0
    told = json.loads(file.read_text())
    for own in told["statements"].values():
        low, high = own["interval"]
        assert low <= own["share"] == own["contradicted"] / own["positives"] <= high
        assert bool(own["example"]) is bool(own["contradicted"])
        assert "could not be measured" not in own["example"]
        assert own["unmeasured"] <= own["positives"] - own["contradicted"]
    assert "labels that measurements contradict" in capsys.readouterr().out
