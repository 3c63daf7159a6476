import json

from training.__main__ import main
from training.measure.quality import SPOILED, WARNINGS


def test_real_ecgs_seldom_get_a_false_warning_and_spoiled_ones_mostly_get_theirs(
    ptbxl_root, tmp_path
):
    out = tmp_path / "quality.json"
    command = ["quality", "--data", str(ptbxl_root), "--fold", "9", "--n", "40"]
    assert main([*command, "--json", str(out)]) == 0

    document = json.loads(out.read_text(encoding="utf-8"))
    assert document["n"] == 40
    assert set(document["false_alarms"]) == {*WARNINGS, "any"}
    assert all(document["false_alarms"][name]["share"] < 0.1 for name in set(WARNINGS) - {"wander"})
    assert set(document["hits"]) == set(SPOILED)
    assert all(own["share"] > 0.7 for own in document["hits"].values())


def test_a_folder_without_data_gets_one_line(tmp_path, capsys):
    command = ["quality", "--data", str(tmp_path), "--fold", "9", "--json", str(tmp_path / "q")]
    assert main(command) == 1
    assert "ptbxl_database.csv not found" in capsys.readouterr().err
