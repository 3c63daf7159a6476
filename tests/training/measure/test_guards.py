import json

from training.__main__ import main


def test_labels_that_measurements_contradict_are_counted(simulated_root, tmp_path, capsys):
    file = tmp_path / "guards.json"
    command = ["guards", "--data", simulated_root, "--fold", 9, "--json", file]
    assert main([str(part) for part in command]) == 0
    document = json.loads(file.read_text())
    for own in document["statements"].values():
        low, high = own["interval"]
        assert low <= own["share"] == own["contradicted"] / own["positives"] <= high
        assert bool(own["example"]) is bool(own["contradicted"])
        assert "could not be measured" not in own["example"]
        assert own["unmeasured"] <= own["positives"] - own["contradicted"]
    assert "labels that measurements contradict" in capsys.readouterr().out


def test_what_stands_out_is_counted_and_what_a_bundle_leaves_unsaid_is_part_of_it(
    simulated_root, tiny_bundle, tmp_path, capsys
):
    file = tmp_path / "guards.json"
    command = ["guards", "--data", simulated_root, "--fold", 9, "--json", file]
    assert main([str(part) for part in [*command, "--bundle", tiny_bundle.path]]) == 0
    document = json.loads(file.read_text())
    stands, unnamed = document["standing_out"], document["unnamed"]
    assert stands["names"], "no simulated ECG has anything that stands out"
    assert 0 < stands["ecgs"] <= document["n"] and unnamed["ecgs"] <= stands["ecgs"]
    assert unnamed["names"].keys() <= stands["names"].keys()
    for name, own in stands["names"].items():
        assert max(own["labelled"], own["normal"]) <= own["ecgs"]
        assert unnamed["names"].get(name, own)["ecgs"] <= own["ecgs"]
    printed = capsys.readouterr().out
    assert "measurements that stand out" in printed and "that no finding of" in printed
