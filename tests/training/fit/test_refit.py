import shutil

import pytest

from protoecg.bundle import load_bundle
from training.__main__ import main
from training.data import ptbxl
from training.fit import choice

NEW_RULE = "an ECG that nobody trusts any more"


@pytest.fixture
def refit(tiny_bundle, tiny_work, simulated_root, tmp_path):
    """Fits the small bundle anew, by what its run has measured, and returns the new one."""
    work = tmp_path / "work"
    work.mkdir()
    for cached in ("measured-train.npz", "measured-validation.npz"):
        shutil.copy(tiny_work / cached, work / cached)

    def run(*options):
        out = tmp_path / "new"
        command = ["refit", "--bundle", tiny_bundle.path, "--data", simulated_root, "--out", out]
        assert main([str(part) for part in [*command, "--work", work, *options]]) == 0
        return load_bundle(out)

    return run


def test_what_no_rule_speaks_against_stays(refit, tiny_bundle):
    new = refit()
    assert new.prototypes == tiny_bundle.prototypes
    assert new.fingerprint == tiny_bundle.fingerprint
    assert new.about["config"] == tiny_bundle.about["config"]
    assert new.about["validation"]["macro_auroc"] == pytest.approx(
        tiny_bundle.about["validation"]["macro_auroc"], abs=0.01
    )
    for code, decision in tiny_bundle.decisions.items():
        assert new.decisions[code].threshold == pytest.approx(decision.threshold, abs=0.02)


def test_a_prototype_that_a_new_rule_refuses_moves_and_other_statements_stay(
    refit, tiny_bundle, monkeypatch
):
    refused = next(p for p in tiny_bundle.prototypes if p.statement == "SR")

    def trusted(ecg, code):
        return ecg["record"] != refused.record or code != refused.statement

    monkeypatch.setitem(choice.RULES, NEW_RULE, trusted)
    new = {p.name: p for p in refit().prototypes}
    assert new[refused.name].record != refused.record
    for prototype in tiny_bundle.prototypes:
        if prototype.statement != refused.statement:
            assert new[prototype.name] == prototype


def test_measurements_can_be_given_another_weight(refit, tiny_bundle):
    assert refit("--measured", 0.1).about["config"]["fusion"]["measured"] == 0.1
    assert tiny_bundle.about["config"]["fusion"]["measured"] != 0.1


def test_other_data_are_refused(tiny_bundle, tmp_path, capsys):
    from training.data.simulated import write_dataset

    write_dataset(tmp_path / "other", 40, seed=9)
    assert ptbxl.load(tmp_path / "other").checksum != tiny_bundle.about["data_sha256"]
    command = ["refit", "--bundle", tiny_bundle.path, "--data", tmp_path / "other"]
    command += ["--out", tmp_path / "new", "--work", tmp_path / "work"]
    assert main([str(part) for part in command]) == 1
    assert "was trained on other ECGs" in capsys.readouterr().err
