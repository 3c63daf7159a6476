import json
from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import expit

from protoecg.labels import BRANCHES, PTBXL
from protoecg.network.protoecgnet import ProtoECGNet
from protoecg.network.shape import BranchShape
from protoecg.prototypes.manifest import BundleError
from protoecg.signals import model_input
from training import metrics
from training.__main__ import main
from training.data import ptbxl
from training.data.ptbxl import DataError
from training.fit.calibrate import cross_fit
from training.judgement import FEW_POSITIVES
from training.measure.evaluate import evaluate
from training.measure.evaluate import results as results_of
from training.measure.evaluation_words import summary
from training.metrics import auroc


@pytest.fixture(scope="module")
def results(tiny_bundle, simulated_root):
    return evaluate(tiny_bundle, simulated_root, 10)


def by_hand(bundle, root):
    data = ptbxl.load(root).folds([10])
    x = np.stack([model_input(ptbxl.read_record(root, r)) for r in data.table["record"]])
    with torch.inference_mode():
        output = bundle.network(torch.from_numpy(x))
    return output, data.labels(bundle.statements)


def test_every_ecg_of_the_fold_is_measured_once(results, simulated_root):
    assert results["n"] == len(ptbxl.load(simulated_root).folds([10]).table) > 0
    assert results["fold"] == 10


def test_the_macro_auroc_is_that_of_the_logits_that_are_explained(
    results, tiny_bundle, simulated_root
):
    output, labels = by_hand(tiny_bundle, simulated_root)
    expected = auroc(labels, output.logits.numpy())
    # Float rounding may part or join near-equal logits, worth a pair or two.
    assert results["macro_auroc"] == pytest.approx(np.nanmean(expected), abs=0.005)


def test_every_statement_has_its_figure_or_none_where_it_cannot_have_one(
    results, tiny_bundle, simulated_root
):
    _, labels = by_hand(tiny_bundle, simulated_root)
    assert set(results["per_statement"]) == set(tiny_bundle.statements)
    for code, count in zip(tiny_bundle.statements, labels.sum(axis=0), strict=True):
        metrics = results["per_statement"][code]
        assert metrics["positives"] == count
        assert (metrics["auroc"] is None) == (count in (0, len(labels)))
    values = [v["auroc"] for v in results["per_statement"].values() if v["auroc"] is not None]
    assert results["macro_auroc"] == pytest.approx(np.mean(values))


def test_each_branch_is_measured_alone_on_its_own_statements(results, tiny_bundle, simulated_root):
    output, labels = by_hand(tiny_bundle, simulated_root)
    start = 0
    for name, branch in tiny_bundle.network.branches.items():
        owners = branch.shape.owners
        columns = [tiny_bundle.statements.index(c) for c in dict.fromkeys(owners)]
        with torch.inference_mode():
            logits = tiny_bundle.network.solo[name](
                output.similarities[:, start : start + len(owners)]
            )
        values = auroc(labels[:, columns], logits.numpy())
        assert results["per_branch"][name]["statements"] == np.sum(~np.isnan(values))
        assert results["per_branch"][name]["macro_auroc"] == pytest.approx(
            np.nanmean(values), abs=0.005
        )
        start += len(owners)
    assert set(results["per_branch"]) == set(tiny_bundle.network.branches)


def test_the_size_of_batches_does_not_matter(results, tiny_bundle, simulated_root, monkeypatch):
    monkeypatch.setattr(ptbxl, "BATCH", 1)
    alone = evaluate(tiny_bundle, simulated_root, 10)
    assert alone["n"] == results["n"]
    assert alone["macro_auroc"] == pytest.approx(results["macro_auroc"], abs=0.005)


def test_evaluating_does_not_change_the_bundle(tiny_bundle, simulated_root):
    before = {k: v.clone() for k, v in tiny_bundle.network.state_dict().items()}
    evaluate(tiny_bundle, simulated_root, 10)
    assert all(torch.equal(v, before[k]) for k, v in tiny_bundle.network.state_dict().items())


def test_a_fold_without_ecgs_is_an_error(tiny_bundle, simulated_root):
    with pytest.raises(DataError, match="no ECG of fold 77"):
        evaluate(tiny_bundle, simulated_root, 77)


def test_figures_of_folds_that_the_bundle_knows_are_marked(results, tiny_bundle, simulated_root):
    assert results["held_out"]
    assert not evaluate(tiny_bundle, simulated_root, 9)["held_out"]
    assert "figures flatter" not in summary(results)
    assert "The bundle was trained" in summary(evaluate(tiny_bundle, simulated_root, 9))
    elsewhere = replace(tiny_bundle, about={**tiny_bundle.about, "data": "Another"})
    assert evaluate(elsewhere, simulated_root, 9)["held_out"]


def test_calls_are_those_of_the_bundles_own_thresholds(results, tiny_bundle, simulated_root):
    output, labels = by_hand(tiny_bundle, simulated_root)
    for column, code in enumerate(tiny_bundle.statements):
        probability = expit(output.logits.numpy()[:, column])
        called = probability >= tiny_bundle.decisions[code].threshold
        present, own = labels[:, column] > 0, results["per_statement"][code]
        for name, hits, of in (
            ("sensitivity", called & present, present),
            ("specificity", ~called & ~present, ~present),
            ("ppv", called & present, called),
        ):
            if not of.any():
                assert own[name] is None and own[f"{name}_interval"] == [None, None]
                continue
            assert own[name] == pytest.approx(hits.sum() / of.sum())
            low, high = own[f"{name}_interval"]
            assert 0 <= low <= own[name] <= high <= 1
        assert own["brier"] == pytest.approx(metrics.brier(present, probability), abs=1e-4)


def made(statements, n, patients=None):
    """Similarities and labels of a network that sees three prototypes of one branch."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    shape = {"rhythm": BranchShape("strip", (8, 8), (2,), 8, ("SR", "AFIB", "PACE"))}
    network = ProtoECGNet(shape, statements).requires_grad_(False)
    seen = torch.from_numpy(rng.uniform(-1, 1, (n, 3))).float()
    labels = (rng.uniform(size=(n, len(statements))) < 0.3).astype(np.float32)
    patients = np.arange(n) if patients is None else patients
    judgement = cross_fit(network, seen, torch.from_numpy(labels), patients)
    return results_of(network, seen, labels, patients, judgement), network, seen, labels, judgement


def test_main_figures_stand_within_their_intervals_and_agree_with_the_metrics():
    results, network, seen, labels, judgement = made(("SR", "AFIB", "PACE", "NORM"), 300)
    logits = network.fusion(seen).numpy()
    values, positives = auroc(labels, logits), labels.sum(axis=0)
    assert results["macro_auroc"] == pytest.approx(values.mean())
    assert results["weighted_auroc"] == pytest.approx((values * positives).sum() / positives.sum())
    one = metrics.once(300)
    assert results["macro_auprc"] == pytest.approx(metrics.ranking(labels, logits, one)[1].mean())
    assert results["fmax"] == pytest.approx(metrics.fmax(labels, judgement.probability, one)[0])
    for key in ("macro_auroc", "weighted_auroc", "macro_auprc", "fmax"):
        low, high = results[f"{key}_interval"]
        assert low < results[key] < high < low + 0.2


def test_the_reported_calibration_is_that_of_the_judgement():
    results, _, _, labels, judgement = made(("SR", "AFIB", "PACE", "NORM"), 300)
    found = results["calibration"]
    scores = [metrics.brier(labels[:, c], judgement.probability[:, c]) for c in range(4)]
    assert found["cross_fitted"]
    assert found["macro_brier"] == pytest.approx(np.mean(scores))
    assert found["reliability"] == metrics.reliability(labels, judgement.probability)
    assert found["per_branch"]["rhythm"] == metrics.reliability(
        labels[:, :3], judgement.probability[:, :3]
    )
    assert sum(found["reliability"]["count"]) == labels.size


def test_statements_of_few_ecgs_have_no_interval_that_would_feign_certainty():
    _, network, seen, labels, _ = made(("SR", "AFIB", "PACE"), 100)
    for column, positives in enumerate((FEW_POSITIVES - 1, FEW_POSITIVES)):
        labels[:, column] = np.arange(100) < positives
    judgement = cross_fit(network, seen, torch.from_numpy(labels), np.arange(100))
    results = results_of(network, seen, labels, np.arange(100), judgement)["per_statement"]
    for name in ("auroc", "auprc"):
        assert results["SR"][name] is not None and results["SR"][f"{name}_interval"] == [None, None]
        low, high = results["AFIB"][f"{name}_interval"]
        assert low < results["AFIB"][name] < high


def test_statements_that_do_not_occur_are_null_and_left_out_of_the_means():
    _, network, seen, labels, _ = made(("SR", "AFIB", "PACE"), 100)
    labels[:, 2] = 0
    judgement = cross_fit(network, seen, torch.from_numpy(labels), np.arange(100))
    results = results_of(network, seen, labels, np.arange(100), judgement)
    gone = results["per_statement"]["PACE"]
    assert gone["auroc"] is None and gone["auroc_interval"] == [None, None]
    assert gone["auprc"] is None and gone["sensitivity"] is None and gone["brier_skill"] is None
    assert results["per_branch"]["rhythm"]["statements"] == 2
    others = [results["per_statement"][code] for code in ("SR", "AFIB")]
    for name in ("brier", "brier_skill", "ece"):
        expected = np.mean([other[name] for other in others])
        assert results["calibration"][f"macro_{name}"] == pytest.approx(expected)


def test_figures_of_all_statements_are_plain_json_and_small_enough_for_a_bundle():
    results, *_ = made(tuple(PTBXL), 60)
    text = json.dumps(results, indent=1, allow_nan=False)
    assert len(PTBXL) == 71 and len(text) < 100_000


def test_a_single_ecg_has_no_figures_but_is_no_error():
    _, network, seen, labels, _ = made(("SR", "AFIB", "PACE"), 5)
    patient = np.array(["x"])
    judgement = cross_fit(network, seen[:1], torch.from_numpy(labels[:1]), patient)
    results = results_of(network, seen[:1], labels[:1], patient, judgement)
    assert results["macro_auroc"] is None
    assert json.dumps(results, allow_nan=False)
    assert summary({**results, "fold": 3, "held_out": True}).startswith(
        "1 ECGs of fold 3: macro AUROC undefined\n"
    )


def spoiled(bundle):
    """The same bundle with a fusion that knows nothing."""
    network = deepcopy(bundle.network)
    torch.manual_seed(1)
    network.fusion.weight.copy_(torch.randn_like(network.fusion.weight))
    return replace(bundle, network=network, name="Spoiled")


def test_a_bundle_does_not_differ_from_itself(tiny_bundle, simulated_root):
    results = evaluate(tiny_bundle, simulated_root, 10, tiny_bundle)["comparison"]
    parts = {"fused", *tiny_bundle.network.branches}
    assert set(results["per_part"]) == parts <= {"fused", *BRANCHES}
    for part in results["per_part"].values():
        assert (part["difference"], part["difference_interval"], part["p"]) == (0, [0, 0], 1)


def test_a_comparison_gives_both_figures_and_their_difference(results, tiny_bundle, simulated_root):
    other = spoiled(tiny_bundle)
    evaluation = evaluate(tiny_bundle, simulated_root, 10, other)
    assert {key: value for key, value in evaluation.items() if key != "comparison"} == results
    fused = evaluation["comparison"]["per_part"]["fused"]
    its = evaluate(other, simulated_root, 10)["macro_auroc"]
    assert evaluation["comparison"]["bundle"] == "Spoiled"
    assert fused["macro_auroc"] == results["macro_auroc"]
    assert fused["other_macro_auroc"] == its
    assert fused["difference"] == pytest.approx(results["macro_auroc"] - its)
    low, high = fused["difference_interval"]
    assert low < fused["difference"] < high
    # The branches are the same; only the fusion was spoiled.
    rhythm = evaluation["comparison"]["per_part"]["rhythm"]
    assert (rhythm["difference"], rhythm["p"]) == (0, 1)
    text = summary(evaluation)
    assert "Macro AUROC above that of Spoiled:" in text and "p = 1.000" in text


def test_a_comparison_with_a_bundle_that_knows_the_fold_is_marked(tiny_bundle, simulated_root):
    settings = {**tiny_bundle.about["config"], "train_folds": [10]}
    knows = replace(tiny_bundle, about={**tiny_bundle.about, "config": settings})
    results = evaluate(tiny_bundle, simulated_root, 10, knows)
    assert results["held_out"] and not results["comparison"]["held_out"]
    assert "The other was trained" in summary(results)
    assert evaluate(tiny_bundle, simulated_root, 10, tiny_bundle)["comparison"]["held_out"]


def deciding(bundle, statements, owners):
    """A bundle of one branch that decides some statements only."""
    shape = replace(bundle.network.branches["rhythm"].shape, owners=owners)
    torch.manual_seed(2)
    network = ProtoECGNet({"rhythm": shape}, statements).eval().requires_grad_(False)
    decisions = dict.fromkeys(statements, next(iter(bundle.decisions.values())))
    return replace(bundle, network=network, decisions=decisions, name="Small")


def test_bundles_are_compared_on_the_statements_that_both_decide(tiny_bundle, simulated_root):
    owners = tiny_bundle.network.branches["rhythm"].shape.owners
    kept = tuple(dict.fromkeys(owners))[:2]
    small = deciding(tiny_bundle, kept, tuple(code for code in owners if code in kept))
    results = evaluate(tiny_bundle, simulated_root, 10, small)
    parts = results["comparison"]["per_part"]
    assert set(parts) == {"fused", "rhythm"}
    assert parts["fused"]["statements"] == parts["rhythm"]["statements"] == 2
    values = [results["per_statement"][code]["auroc"] for code in kept]
    assert parts["fused"]["macro_auroc"] == pytest.approx(np.mean([v for v in values if v]))
    assert parts["fused"]["other_macro_auroc"] == pytest.approx(
        evaluate(small, simulated_root, 10)["macro_auroc"]
    )


def test_bundles_without_a_common_statement_are_not_compared(tiny_bundle, simulated_root):
    foreign = next(code for code in PTBXL if code not in tiny_bundle.statements)
    other = deciding(tiny_bundle, (foreign,), (foreign,))
    with pytest.raises(BundleError, match="no statement in common"):
        evaluate(tiny_bundle, simulated_root, 10, other)


def test_the_command_prints_and_writes_the_comparison(
    tmp_path, capsys, results, tiny_bundle, simulated_root
):
    file = tmp_path / "figures.json"
    command = ["evaluate", "--bundle", tiny_bundle.path, "--data", simulated_root, "--fold", 10]
    command += ["--json", file, "--compare", tiny_bundle.path]
    assert main([str(part) for part in command]) == 0
    document = json.loads(file.read_text())
    assert document["comparison"]["per_part"]["fused"]["p"] == 1
    assert document["macro_auroc"] == results["macro_auroc"]
    out = capsys.readouterr().out
    assert out == summary(document)
    first = f"{results['n']} ECGs of fold 10: macro AUROC {results['macro_auroc']:.4f}"
    assert out.splitlines()[0] == first


def test_comparing_with_what_is_no_bundle_fails_in_one_line(
    tmp_path, capsys, tiny_bundle, simulated_root
):
    command = ["evaluate", "--bundle", tiny_bundle.path, "--data", simulated_root, "--fold", 10]
    command += ["--json", tmp_path / "figures.json", "--compare", tmp_path]
    assert main([str(part) for part in command]) == 1
    assert "no bundle" in capsys.readouterr().err
