"""On real PTB-XL: prototypes spoiled on purpose are proposed, replaced, compared, explained with.

`python -m pytest -m slow -s tests/training/curate/test_spoiled.py` prints the figures of
docs/curation.md.
"""

import json
import sys
from pathlib import Path

import pytest
from spoiling import NOISY, PAUSE, WRONG, rated, spoil, spoiled_copy

from protoecg.bundle import load_bundle
from protoecg.explain import explain
from protoecg.prototypes.curation import curations
from training.__main__ import main
from training.data import ptbxl

ROOT = Path(__file__).resolve().parents[3]
RULE = "reviewers = 2\nrepresentativeness = 2\nnot_accurate = 0.5\nbad = 0.5\n"


@pytest.mark.slow
def test_ten_spoiled_prototypes_are_proposed_replaced_and_compared(ptbxl_root, tmp_path, capsys):
    # Kept between runs: the first takes a pass over all ECGs of the data set.
    work = ROOT / "runs" / "curate"
    bundle = load_bundle(ROOT / "models" / "ptbxl")
    spoiled = spoil(bundle, ptbxl_root, {WRONG: 4, NOISY: 3, PAUSE: 3})
    copy = spoiled_copy(bundle, ptbxl_root, spoiled, tmp_path / "spoiled", work)
    url = f"sqlite:///{tmp_path}/ratings.db"
    rated(url, copy, spoiled)
    (tmp_path / "rule.toml").write_text(RULE)
    figures, study, out = (tmp_path / name for name in ("figures.json", "new.toml", "curated"))
    arguments = [
        "curate",
        "--bundle",
        copy.path,
        "--ratings",
        url,
        "--data",
        ptbxl_root,
        "--work",
        work,
    ]
    arguments += ["--rule", tmp_path / "rule.toml", "--out", out, "--json", figures]
    assert main([*map(str, arguments), "--draft", str(study)]) == 0
    with capsys.disabled():
        for column, (_, why) in spoiled.items():
            sys.stdout.write(f"spoiled: {copy.prototypes[column].name}: {why}\n")
        sys.stdout.write(capsys.readouterr().out)
    made = load_bundle(out)
    changes = curations(made.about)[0].changes
    named = {copy.prototypes[column].name for column in spoiled}
    assert named <= {change.retired for change in changes}
    assert all(change.new for change in changes)
    document = json.loads(figures.read_text())
    assert document["per_part"]["fused"]["difference"] > min(document["random"]["refitted"])
    new = next(p for p in made.prototypes if p.name == changes[0].new)
    findings = explain(ptbxl.read_record(ptbxl_root, new.record), made).findings
    assert any(m.prototype.name == new.name for f in findings for m in f.matches)
