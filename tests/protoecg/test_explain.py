import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from protoecg.bundle import load_bundle
from protoecg.ecg import ECG, LEADS
from protoecg.explain import decide_all, explain, without_leads
from protoecg.explanation import Match
from protoecg.figures.charts import steps_to_logit
from protoecg.in_words import in_words
from protoecg.labels import PTBXL
from protoecg.measure import delineate
from protoecg.signals import model_input
from protoecg.simulate import CODES, simulate

# A failing example prints a whole bundle; shrinking it takes long and says no more.
NO_SHRINKING = (Phase.explicit, Phase.generate)


@pytest.fixture(scope="module")
def ecg():
    return simulate(["AFIB"], seed=2, rate=500).ecg


@pytest.fixture(scope="module")
def explanation(ecg, tiny_bundle):
    return explain(ecg, tiny_bundle)


def output(ecg, bundle):
    with torch.inference_mode():
        return bundle.network(torch.from_numpy(model_input(ecg))[None])


@given(
    code=st.sampled_from(sorted(CODES)),
    seed=st.integers(0, 1000),
    rate=st.sampled_from([100, 250, 500, 1000]),
)
@settings(max_examples=10, deadline=None, phases=NO_SHRINKING)
def test_bias_and_contributions_are_the_logit_of_the_network(tiny_bundle, code, seed, rate):
    ecg = simulate([code], seed=seed, rate=rate).ecg
    logits = output(ecg, tiny_bundle).logits[0]
    for finding in explain(ecg, tiny_bundle).findings:
        total = finding.bias + sum(match.contribution for match in finding.matches)
        assert total == pytest.approx(finding.logit, abs=1e-4)
        expected = float(logits[tiny_bundle.statements.index(finding.code)])
        # A model trained for seconds has terms of hundreds that cancel: float32 ends there.
        largest = max([abs(match.contribution) for match in finding.matches], default=0)
        assert finding.logit == pytest.approx(expected, abs=max(1e-4, 1e-6 * largest))
        assert finding.probability == pytest.approx(1 / (1 + np.exp(-finding.logit)), abs=1e-6)


def test_every_statement_has_one_finding(explanation, tiny_bundle):
    codes = [finding.code for finding in explanation.findings]
    assert sorted(codes) == sorted(tiny_bundle.statements)
    for finding in explanation.findings:
        assert finding.branch == PTBXL[finding.code].branch
        assert finding.threshold == tiny_bundle.decisions[finding.code].threshold
        assert finding.low_evidence == tiny_bundle.decisions[finding.code].low_evidence


def test_findings_come_present_first_and_then_by_probability(explanation):
    keys = [(not f.present, -f.probability) for f in explanation.findings]
    assert keys == sorted(keys)
    assert all(f.present == (f.probability >= f.threshold) for f in explanation.findings)


def test_a_contribution_is_weight_times_similarity(explanation):
    for finding in explanation.findings:
        for match in finding.matches:
            assert match.contribution == pytest.approx(match.weight * match.similarity)
            assert match.weight != 0
            assert -1.000001 <= match.similarity <= 1.000001


def test_matches_are_sorted_strongest_evidence_for_first(explanation):
    for finding in explanation.findings:
        contributions = [match.contribution for match in finding.matches]
        assert contributions == sorted(contributions, reverse=True)


def test_evidence_against_is_told_too(explanation):
    assert any(m.contribution < 0 for f in explanation.findings for m in f.matches)
    assert any(m.contribution > 0 for f in explanation.findings for m in f.matches)


def test_a_prototype_that_a_strip_is_unlike_says_nothing():
    demo = load_bundle(Path(__file__).resolve().parents[2] / "models" / "demo")
    assert not demo.network.branches["rhythm"].shape.signed
    ecgs = [simulate([code], seed=6).ecg for code in ("AFIB", "SR", "PVC", "STACH")]
    findings = [finding for ecg in ecgs for finding in explain(ecg, demo).findings]
    silent = [(f, m) for f in findings for m in f.matches if m.prototype.branch == "rhythm"]
    silent = [(finding, match) for finding, match in silent if match.similarity == 0]
    assert silent
    for finding, match in silent:
        assert match not in finding.speaking
        assert match.prototype.name not in {step.label for step in steps_to_logit(finding, 99)}
    for finding in findings:
        assert all(m.similarity >= 0 for m in finding.matches if m.prototype.branch == "rhythm")
        spoken = finding.bias + sum(match.contribution for match in finding.speaking)
        assert spoken == pytest.approx(finding.logit, abs=1e-9)


def test_only_prototypes_of_the_statement_speak_for_it(explanation):
    for finding in explanation.findings:
        for match in finding.matches:
            assert match.weight < 0 or finding.code in match.prototype.statements


def test_a_match_shows_the_window_that_its_similarity_rests_on(ecg, explanation, tiny_bundle):
    x = torch.from_numpy(model_input(ecg))[None]
    order = {prototype.name: p for p, prototype in enumerate(tiny_bundle.prototypes)}
    matches = {m.prototype.name: m for f in explanation.findings for m in f.matches}
    localised = 0
    for name, match in matches.items():
        branch = tiny_bundle.network.branches[match.prototype.branch]
        first = min(p for n, p in order.items() if n.startswith(match.prototype.branch))
        start, end = (round(100 * s) for s in match.window_s)
        with torch.inference_mode():
            alone = branch(x[..., start:end]).values[0, order[name] - first]
        assert float(alone) == pytest.approx(match.similarity, abs=1e-4)
        localised += match.prototype.branch == "morphology"
    assert localised > 0


def test_whole_strip_matches_show_the_whole_strip(explanation):
    windows = {
        match.prototype.branch: (match.window_s, match.prototype.window_s)
        for finding in explanation.findings
        for match in finding.matches
    }
    assert windows["rhythm"] == ((0.0, 10.0), (0.0, 10.0))
    for ours in windows["morphology"]:
        assert 0 <= ours[0] < ours[1] <= 10 and ours[1] - ours[0] < 5


def test_the_same_ecg_at_another_rate_says_nearly_the_same(tiny_bundle):
    fast = simulate(["NORM", "SR"], seed=4, rate=500, noise_level=0).ecg
    slow = simulate(["NORM", "SR"], seed=4, rate=100, noise_level=0).ecg
    apart = output(fast, tiny_bundle).similarities - output(slow, tiny_bundle).similarities
    assert apart.abs().mean() < 0.1


def test_an_ecg_is_explained_the_same_each_time(ecg, explanation, tiny_bundle):
    assert explain(ecg, tiny_bundle) == explanation


def test_what_is_beyond_ten_seconds_is_said_and_not_read(ecg, explanation, tiny_bundle):
    doubled = ECG(np.concatenate([ecg.signal, ecg.signal[:, ::-1]], axis=1), ecg.rate, ecg.source)
    longer = explain(doubled, tiny_bundle)
    assert longer.findings == explanation.findings
    assert any("first 10 of 20 seconds" in note for note in longer.notes)


def test_the_notes_of_the_ecg_are_passed_on(ecg, tiny_bundle):
    assert set(ecg.notes) <= set(explain(ecg, tiny_bundle).notes)


def test_json_holds_all_that_was_decided_by(explanation):
    read = json.loads(json.dumps(explanation.to_json()))
    assert read["simulated"] is True
    assert len(read["findings"]) == len(explanation.findings)
    for finding in read["findings"]:
        assert {"code", "probability", "threshold", "logit", "bias", "matches"} <= set(finding)
        total = finding["bias"] + sum(match["contribution"] for match in finding["matches"])
        assert total == pytest.approx(finding["logit"], abs=1e-4)
        for match in finding["matches"]:
            assert {"prototype", "branch", "similarity", "weight", "window_s"} <= set(match)
            assert set(match["source"]) == {"record", "window_s"}


def test_what_stands_out_and_no_finding_speaks_of_is_told_in_json_and_in_words(tiny_bundle):
    never = {
        code: replace(decision, threshold=1.1, possible_from=1.1)
        for code, decision in tiny_bundle.decisions.items()
    }
    bundle = replace(tiny_bundle, familiarity=None, decisions=never)
    plain = simulate(["NORM"], seed=3, rate=100, noise_level=0.3).ecg
    assert explain(plain, bundle).unnamed == ()
    small = replace(plain, signal=0.25 * plain.signal)
    explanation = explain(small, bundle)
    (one,) = explanation.to_json()["unnamed"]
    assert one["name"] == "voltage_low"
    assert "though no finding says so" in one["sentence"]
    assert f"! {one['sentence']}" in in_words(explanation)
    (decided,) = decide_all([small], bundle, [delineate(small)])
    assert decided.unnamed == explanation.unnamed


def test_nothing_is_said_to_be_unnamed_where_the_model_abstains(tiny_bundle):
    small = simulate(["NORM"], seed=3, rate=100, noise_level=0.3).ecg
    contradicting = 0.25 * small.signal
    contradicting[1] *= -1
    explanation = explain(replace(small, signal=contradicting), tiny_bundle)
    assert explanation.abstains and explanation.unnamed == ()


def test_a_lead_that_is_silent_already_has_no_part_in_a_match(ecg, tiny_bundle):
    signal = ecg.signal.copy()
    signal[LEADS.index("V3")] = 0
    silent = ECG(signal, ecg.rate)
    for match in explain(silent, tiny_bundle).findings[0].matches:
        assert without_leads(silent, tiny_bundle, match)["V3"] == pytest.approx(0, abs=1e-6)


def test_the_part_of_a_lead_is_what_the_network_loses_without_it(ecg, tiny_bundle):
    matches = {m.prototype: m for f in explain(ecg, tiny_bundle).findings for m in f.matches}
    strips = [match for match in matches.values() if match.prototype.branch == "rhythm"]
    assert strips
    x = torch.from_numpy(model_input(ecg)).clone()
    x[LEADS.index("II")] = 0
    with torch.inference_mode():
        seen = tiny_bundle.network(x[None]).similarities[0]
    for match in strips:
        left = float(seen[tiny_bundle.prototypes.index(match.prototype)])
        fall = without_leads(ecg, tiny_bundle, match)["II"]
        assert fall == pytest.approx(match.similarity - left, abs=1e-5)


def test_each_lead_has_its_exact_part_where_the_branch_reads_lead_by_lead(explanation):
    matches = [match for finding in explanation.findings for match in finding.matches]
    by_lead = [match for match in matches if match.prototype.branch == "morphology"]
    assert by_lead
    for match in by_lead:
        assert sum(match.lead_parts) == pytest.approx(match.similarity, abs=1e-5)
    assert all(m.lead_parts is None for m in matches if m.prototype.branch != "morphology")


def test_json_tells_the_part_of_each_lead(explanation):
    for finding in explanation.to_json()["findings"]:
        for match in finding["matches"]:
            parts = match["lead_parts"]
            assert (parts is None) == (match["branch"] != "morphology")
            if parts:
                assert tuple(parts) == LEADS
                assert sum(parts.values()) == pytest.approx(match["similarity"], abs=1e-5)


def match_of(similarity, parts):
    return Match(None, similarity, 1.0, similarity, (0.0, 0.95), parts)


def test_shares_are_of_the_similarity_and_the_largest_comes_first():
    shares = match_of(0.5, (0.1, -0.05, 0.4, 0.05, *[0.0] * 8)).lead_shares
    assert list(shares)[:3] == ["III", "I", "aVR"] and list(shares)[-1] == "II"
    assert shares["III"] == pytest.approx(0.8) and shares["II"] == pytest.approx(-0.1)
    assert sum(shares.values()) == pytest.approx(1)


def test_unlikeness_has_its_leads_too():
    shares = match_of(-0.4, (-0.3, -0.2, 0.1, *[0.0] * 9)).lead_shares
    assert next(iter(shares)) == "I" and shares["I"] == pytest.approx(0.75)


@pytest.mark.parametrize("parts", [None, (0.5, -0.46, *[0.0] * 10)])
def test_there_are_no_shares_of_nothing(parts):
    assert match_of(0.04, parts).lead_shares == {}
