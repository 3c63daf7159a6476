import copy
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st

from protoecg.bundle import save_bundle
from protoecg.ecg import LEADS
from protoecg.explain import explain
from protoecg.measure import Beat
from protoecg.network.projection import assign, best_windows, crop, embed
from protoecg.network.protoecgnet import Branch, Output, ProtoECGNet
from protoecg.network.shape import BranchShape
from protoecg.prototypes.manifest import Decision
from protoecg.prototypes.prototype import Prototype
from protoecg.prototypes.waveforms import record_checksum
from protoecg.signals import model_input
from protoecg.simulate import Event, simulate
from training.__main__ import main
from training.data import ptbxl
from training.data.simulated import write_dataset
from training.measure.faithfulness import MEASURES, cycle, definition, locating, table
from training.measure.faithfulness.cycle import PHASES, as_in_prototype, phases
from training.measure.faithfulness.decision import compactness, completeness
from training.measure.faithfulness.disturbance import (
    NOISES,
    Pair,
    added,
    at_500_hz,
    kept,
    later,
    stability,
)
from training.measure.faithfulness.fold import (
    TopMatch,
    called,
    contributions,
    read_fold,
    sample,
    top_matches,
)
from training.measure.faithfulness.locating import (
    against_chance,
    centred,
    evidence,
    holds,
    localisation,
)
from training.measure.faithfulness.prototypes import coverage, exactness, purity
from training.measure.faithfulness.replacement import necessity, sufficiency
from training.metrics import matches_needed

OWNERS = {
    "rhythm": ("SR", "SR", "AFIB", "AFIB"),
    "morphology": ("IMI", "IMI", "LVH", "LVH", "PVC", "PVC"),
}
STATEMENTS = ("IMI", "LVH", "PVC", "SR", "AFIB")
FOLD = 10


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("data") / "simulated"
    write_dataset(root, 160, seed=8)
    return root


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, root):
    """Random features that were never trained, on prototypes that are real windows."""
    torch.manual_seed(0)
    shapes = {
        "rhythm": BranchShape("strip", (8, 8, 8), (4, 4), 8, OWNERS["rhythm"]),
        "morphology": BranchShape("leads", (8, 8, 8), (2, 1), 24, OWNERS["morphology"]),
    }
    network = ProtoECGNet(shapes, STATEMENTS)
    data = ptbxl.load(root)
    x = np.stack([model_input(ptbxl.read_record(root, r)) for r in data.table["record"]])
    _settle(network, x)
    prototypes = [p for name in shapes for p in _projected(network, name, data, x)]
    owned = torch.tensor([[float(p.statement == code) for p in prototypes] for code in STATEMENTS])
    with torch.no_grad():
        network.fusion.weight.copy_(4 * owned - 0.3 * (1 - owned))
        likely = torch.sigmoid(network(torch.from_numpy(x)).logits)
    return save_bundle(
        tmp_path_factory.mktemp("bundle") / "small",
        name="Small",
        simulated=False,
        network=network,
        prototypes=tuple(prototypes),
        decisions=_half_called(likely),
        about={},
    )


def _half_called(likely):
    """Thresholds at which half of all ECGs are called to have each statement."""
    # Between two that occur: at one, the last bit of a batch's arithmetic would decide.
    half = len(likely) // 2
    between = likely.sort(dim=0).values[half - 1 : half + 1].mean(dim=0).tolist()
    return {c: Decision(m, 10, False) for c, m in zip(STATEMENTS, between, strict=True)}


def _settle(network, x):
    """Let batch norm see the data once, so that latents are centred."""
    for part in network.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.momentum = None
    with torch.no_grad():
        network.train()(torch.from_numpy(x[:64]))
    network.eval()


def _projected(network, name, data, x):
    branch, owners = network.branches[name], OWNERS[name]
    codes = tuple(dict.fromkeys(owners))
    owned = torch.tensor([[float(owner == code) for code in codes] for owner in owners])
    labels = torch.from_numpy(data.labels(codes))
    patients = data.table["patient"].to_numpy()
    seen = best_windows(branch, [torch.from_numpy(x)])
    sources = assign(seen, owned, labels, patients)
    embed(branch, crop(branch, x, sources))
    return [
        Prototype(
            name=f"{name}-{owner}-{i}",
            branch=name,
            statement=owner,
            record=data.table["record"][source.row],
            window_s=branch.window_s(source.cell),
            statements=data.table["codes"][source.row],
            patient=patients[source.row],
            age=None,
            sex=None,
            sha256=record_checksum(data.root, data.table["record"][source.row]),
        )
        for i, (owner, source) in enumerate(zip(owners, sources, strict=True))
    ]


@pytest.fixture(scope="module")
def fold(bundle, root):
    return read_fold(bundle, root, FOLD, root)


def changed(fold, change):
    """The fold as seen by a network that was changed in some way."""
    network = copy.deepcopy(fold.bundle.network)
    change(network)
    with torch.inference_mode():
        seen = network(fold.x)
    decisions = _half_called(torch.sigmoid(seen.logits))
    return replace(
        fold, bundle=replace(fold.bundle, network=network, decisions=decisions), seen=seen
    )


def with_published_pooling(network):
    network.branches["morphology"].prototypes.pooling = "mean"


def with_published_cells(network):
    """See far more than is shown; untrained, as what holds by construction holds before."""
    torch.manual_seed(1)
    shape = BranchShape("wide", (8, 8, 8), (4, 4), 8, OWNERS["morphology"])
    network.branches["morphology"] = Branch(shape).eval()


def with_narrow_picture(network):
    """Show the middle third of what a cell sees."""

    class Narrow(Branch):
        def window_samples(self, cell):
            start, end = super().window_samples(cell)
            third = (end - start) // 3
            return start + third, end - third

    network.branches["morphology"].__class__ = Narrow


# Sufficiency


def test_the_similarity_of_a_localised_match_rests_on_its_window_alone(fold):
    results = sufficiency(fold)["morphology"]
    assert results["n"] > 5
    for kind in ("zeros", "another_ecg"):
        assert results[kind]["holds"] == 1 and results[kind]["largest_change"] <= 1e-4
        assert results[kind]["outdone"] < 0.5


@pytest.mark.parametrize(
    "change", [with_published_pooling, with_published_cells, with_narrow_picture]
)
def test_a_rule_that_sees_more_than_it_shows_does_not_suffice(fold, change):
    results = sufficiency(changed(fold, change))["morphology"]
    assert results["another_ecg"]["holds"] < 0.1
    assert results["another_ecg"]["largest_change"] > 0.05


def test_showing_the_whole_strip_is_no_success(fold):
    assert sufficiency(fold)["rhythm"] == {"shown": "whole strip"}


# Necessity


def test_similarity_falls_to_that_of_an_empty_ecg_where_one_window_holds_all(fold):
    branch = fold.bundle.network.branches["morphology"]
    start, end = branch.window_samples(40)
    x = torch.zeros_like(fold.x)
    x[..., start:end] = fold.x[0, :, start:end]

    def own_window(network):
        layer = network.branches["morphology"].prototypes
        layer.vectors = torch.nn.Parameter(branch.backbone(x[:1])[:, :, 40].expand(6, -1).clone())

    alone = changed(replace(fold, x=x), own_window)
    with torch.inference_mode():
        empty = alone.bundle.network.branches["morphology"](torch.zeros_like(x[:1])).values[0, 0]
    results = necessity(alone)["morphology"]
    assert results["n"] >= len(x)
    assert results["zeros"]["similarity_fall"] == pytest.approx(1 - float(empty), abs=1e-4) != 0
    # Elsewhere there was nothing to replace.
    assert results["control_zeros"]["similarity_fall"] == pytest.approx(0, abs=1e-6)
    assert results["control_zeros"]["logit_fall"] == pytest.approx(0, abs=1e-5)


def test_a_whole_strip_has_no_elsewhere(fold):
    results = necessity(fold)["rhythm"]
    assert results["shown"] == "whole strip"
    assert not any(key.startswith("control") for key in results)


def test_what_is_replaced_elsewhere_never_overlaps():
    from training.measure.faithfulness.replacement import elsewhere

    rng = np.random.default_rng(0)
    for start in range(0, 906):
        new = elsewhere((start, start + 95), rng)
        assert 0 <= new[0] and new[1] <= 1000 and new[1] - new[0] == 95
        assert new[1] <= start or new[0] >= start + 95


# Completeness and compactness


def test_contributions_and_bias_are_the_logits_of_the_fold(fold):
    for results in completeness(fold).values():
        assert results["largest_difference"] < 1e-4 and results["ecgs"] == len(fold.x)


def test_one_logit_that_is_not_explained_is_found(fold):
    logits = fold.seen.logits.clone()
    logits[3, STATEMENTS.index("PVC")] += 0.5
    results = completeness(replace(fold, seen=fold.seen._replace(logits=logits)))
    assert results["morphology"]["largest_difference"] == pytest.approx(0.5, abs=1e-4)
    assert results["rhythm"]["largest_difference"] < 1e-4


def test_the_parts_of_the_leads_are_held_against_the_similarity(fold, monkeypatch):
    assert completeness(fold)["morphology"]["largest_difference_of_leads"] < 1e-5
    assert completeness(fold)["rhythm"]["largest_difference_of_leads"] is None

    def less(branch, x, cells):
        return exact(branch, x, cells) * 0.5

    exact = Branch.lead_parts
    monkeypatch.setattr(Branch, "lead_parts", less)
    assert completeness(fold)["morphology"]["largest_difference_of_leads"] > 0.1


@pytest.mark.parametrize(
    ("parts", "needed"),
    [
        ([1.0, 0, 0], 1),
        ([5.0, 4, 1], 2),
        ([5.0, 3.9, 1.1], 3),
        ([1.0] * 10, 9),
        ([2.0, -9.0, 2.0], 2),
        ([-1.0, -2.0], 0),
    ],
)
def test_matches_that_carry_ninety_percent_are_counted(parts, needed):
    assert matches_needed(np.array([parts])).tolist() == [needed]


@given(parts=st.lists(st.floats(-5, 5), min_size=1, max_size=8).filter(lambda p: max(p) > 0.01))
@settings(max_examples=60, deadline=None)
def test_one_match_fewer_would_not_carry_ninety_percent(parts):
    (needed,) = matches_needed(np.array([parts]))
    positive = sorted((p for p in parts if p > 0), reverse=True)
    assert sum(positive[:needed]) >= (0.9 - 1e-5) * sum(positive)
    assert sum(positive[: needed - 1]) < 0.9 * sum(positive)


def test_compactness_counts_what_the_explanation_shows(fold):
    counts = []
    for ecg in fold.ecgs:
        for finding in explain(ecg, fold.bundle).findings:
            if finding.present and finding.branch == "morphology":
                parts = [match.contribution for match in finding.matches]
                counts += matches_needed(np.array([parts])).tolist()
    results = compactness(fold)["morphology"]
    assert results["findings"] == len(counts) > 0
    assert results["median"] == np.median(counts)


# Prototypes


def test_a_projected_prototype_is_exactly_its_source(fold):
    for results in exactness(fold).values():
        assert results["exact"] == 1 and results["same_window"] == 1
        assert results["smallest_similarity"] > 0.9999 and results["missing"] == 0


def test_a_prototype_that_drifted_is_not_exact(fold):
    def drift(network):
        with torch.no_grad():
            network.branches["morphology"].prototypes.vectors[0] += 0.3

    results = exactness(changed(fold, drift))
    assert results["morphology"]["exact"] == pytest.approx(5 / 6)
    assert results["rhythm"]["exact"] == 1


def test_the_mean_over_windows_is_not_exact(fold):
    assert exactness(changed(fold, with_published_pooling))["morphology"]["exact"] == 0


def test_sources_that_cannot_be_had_are_counted(fold, tmp_path):
    results = exactness(replace(fold, root=tmp_path))
    assert results["morphology"] == {"n": 0, "missing": 6}


def test_a_patient_who_gives_two_prototypes_of_a_statement_is_found(fold):
    assert coverage(fold)["morphology"]["repeated_patients"] == 0
    prototypes = list(fold.bundle.prototypes)
    prototypes[-1] = replace(prototypes[-1], patient=prototypes[-2].patient)
    twice = replace(fold, bundle=replace(fold.bundle, prototypes=tuple(prototypes)))
    results = coverage(twice)["morphology"]
    assert results["repeated_patients"] == 1 and results["patients_least"] == 1
    assert results["statements"] == 3 and results["prototypes"] == 6


def test_prototypes_that_are_all_alike_have_cosine_one_and_one_is_used(fold):
    def alike(network):
        with torch.no_grad():
            vectors = network.branches["morphology"].prototypes.vectors
            vectors.copy_(vectors[:1].expand(6, -1))

    results = coverage(changed(fold, alike))["morphology"]
    assert results["cosine_within_statement"] == pytest.approx(1, abs=1e-5)
    carried = fold.labels[:, : len(set(OWNERS["morphology"]))].sum(axis=0)
    assert results["used"] == pytest.approx(np.mean([1 / min(2, n) for n in carried if n]))


def test_prototypes_that_know_the_labels_are_as_pure_as_can_be(fold):
    owned = [STATEMENTS.index(p.statement) for p in fold.bundle.prototypes]
    knowing = torch.from_numpy(fold.labels[:, owned].astype(np.float32))
    results = purity(replace(fold, seen=fold.seen._replace(similarities=knowing)))
    for name in OWNERS:
        assert results[name]["purity"] == pytest.approx(results[name]["attainable"])
    for code in ("SR", "AFIB"):
        carriers = int(fold.labels[:, STATEMENTS.index(code)].sum())
        expected = [min(carriers, 10) / 10, carriers / len(fold.x)]
        assert results["rhythm"]["per_statement"][code] == pytest.approx(expected, abs=1e-3)


def test_prototypes_that_avoid_their_label_are_impure(fold):
    owned = [STATEMENTS.index(p.statement) for p in fold.bundle.prototypes]
    wrong = torch.from_numpy(1 - fold.labels[:, owned].astype(np.float32))
    results = purity(replace(fold, seen=fold.seen._replace(similarities=wrong)))
    carriers = fold.labels[:, STATEMENTS.index("PVC")].sum()
    assert len(fold.x) - carriers >= 10
    assert results["morphology"]["per_statement"]["PVC"][0] == 0


# Stability


def test_an_ecg_is_as_itself(fold):
    for name in OWNERS:
        results = kept(fold, name, Pair(fold.x, fold.seen, fold.seen))
        assert results["findings"] > 0
        assert results["same_prototype"] == results["still_made"] == 1
        assert results["probability_moves"] == results["probability_moves_p95"] == 0
    assert results["same_place"] == results["same_place_or_alike"] == 1


def test_a_match_that_moves_along_with_the_ecg_stays_in_place(fold):
    step = fold.bundle.network.branches["morphology"].backbone.stride
    before, after = (
        fold.seen._replace(cells=torch.full_like(fold.seen.cells, c)) for c in (60, 40)
    )
    along = kept(fold, "morphology", Pair(fold.x, before, after, 20 * step / 100))
    away = kept(fold, "morphology", Pair(fold.x, before, after))
    assert along["same_place"] == 1 and away["same_place"] == 0
    assert along["same_prototype"] == away["same_prototype"] == 1


def test_another_beat_that_looks_the_same_is_told_apart_from_one_that_does_not(fold):
    branch = fold.bundle.network.branches["morphology"]
    before, after = (
        fold.seen._replace(cells=torch.full_like(fold.seen.cells, c)) for c in (10, 90)
    )
    (start, end), (again, _) = branch.window_samples(10), branch.window_samples(90)
    x = fold.x.clone()
    x[..., again : again + end - start] = 0.8 * x[..., start:end]
    alike = kept(fold, "morphology", Pair(x, before, after))
    x[..., again : again + end - start] *= -1
    unlike = kept(fold, "morphology", Pair(x, before, after))
    assert alike["same_place"] == unlike["same_place"] == 0
    assert alike["same_place_or_alike"] == 1 and unlike["same_place_or_alike"] == 0


def test_a_prototype_without_weight_does_not_speak(fold):
    def silence(network):
        with torch.no_grad():
            network.fusion.weight[STATEMENTS.index("PVC"), -1] = 0

    assert coverage(fold)["morphology"]["with_weight"] == 1
    assert coverage(changed(fold, silence))["morphology"]["with_weight"] == pytest.approx(5 / 6)


def test_another_ecg_is_not_the_same(fold):
    other = Output(*(part.roll(1, dims=0) for part in fold.seen))
    results = kept(fold, "morphology", Pair(fold.x, fold.seen, other))
    assert results["same_prototype"] < 1 and results["probability_moves"] > 0


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("rate", [100, 500])
def test_noise_is_there_and_the_leads_still_agree(name, rate):
    ecg = simulate(["SR"], rate=rate).ecg
    noisy = added(ecg, NOISES[name], np.random.default_rng(1))
    assert noisy.notes == ecg.notes and noisy.rate == rate
    i, ii, iii = noisy.signal[:3]
    assert np.allclose(i + iii, ii, atol=1e-4)
    apart = (noisy.signal - ecg.signal).std(axis=1)
    assert (apart > 0).all() and 0.005 < apart.mean() < 0.5


def test_later_is_the_same_ecg_later():
    ecg = simulate(["SR"], rate=500).ecg
    assert np.array_equal(later(ecg).signal[:, :-15], ecg.signal[:, 15:])
    assert later(ecg).signal.shape == ecg.signal.shape


def test_at_500_hz_it_is_the_same_ecg():
    ecg = simulate(["SR"], rate=100).ecg
    fast = at_500_hz(ecg)
    assert fast.rate == 500 and fast.signal.shape == (12, 5000)
    assert np.abs(model_input(fast) - model_input(ecg))[:, 50:-50].max() < 0.05


def test_recordings_at_500_hz_are_used_where_the_fold_has_enough(fold, tmp_path):
    assert stability(fold)["rhythm"]["500_hz_source"] == "resampled"
    for number, record in enumerate(fold.table["record"]):
        if number == 2:
            few = stability(replace(fold, fast=tmp_path))
            assert few["rhythm"]["500_hz_source"] == "resampled"
        folder, name = (tmp_path / record.replace("100/", "500/")).parent, record[-8:-3]
        folder.mkdir(parents=True, exist_ok=True)
        signal = at_500_hz(ptbxl.read_record(fold.root, record)).signal.T.astype(float)
        wfdb.wrsamp(f"{name}_hr", 500, ["mV"] * 12, list(LEADS), signal, fmt=["16"] * 12,
                    write_dir=str(folder))  # fmt: skip
    results = stability(replace(fold, fast=tmp_path))
    assert results["rhythm"]["500_hz_source"] == "recorded"
    assert results["rhythm"]["500_hz"]["probability_moves"] < 0.1


# Localisation


@pytest.mark.parametrize(
    ("window", "spans", "held", "central"),
    [
        ((100, 200), [(120, 180)], True, True),
        ((100, 200), [(180, 220)], True, False),
        ((100, 200), [(181, 221)], False, False),
        ((100, 200), [(0, 50), (140, 400)], False, True),
        ((100, 200), [], False, False),
    ],
)
def test_a_window_holds_a_wave_or_not(window, spans, held, central):
    spans = np.array(spans).reshape(-1, 2)
    assert against_chance(holds, window, spans)[0] == held
    assert against_chance(centred, window, spans)[0] == central


def test_chance_is_the_share_of_all_places():
    def chance(rule, *spans):
        return against_chance(rule, (0, 100), np.array(spans).reshape(-1, 2))[1]

    # The centre of a window of 100 lies anywhere from 50 to 950.
    assert chance(centred, (300, 390)) == pytest.approx(90 / 901)
    assert chance(centred, (0, 1000)) == 1
    assert chance(holds, (300, 400)) == pytest.approx(101 / 901)
    assert chance(holds) == chance(centred) == 0


def test_evidence_of_pre_excitation_is_the_onset_of_the_complex():
    events = (Event("P", 0.1, 0.2), Event("QRS", 0.2, 0.33), Event("T", 0.4, 0.6))
    assert np.allclose(evidence("WPW", events), [(20, 25)])
    assert np.allclose(evidence("CLBBB", events), [(20, 33)])
    assert np.allclose(evidence("INVT", events), [(40, 60)])


def test_a_prototype_of_the_premature_beat_itself_is_found_on_it(fold, monkeypatch):
    monkeypatch.setattr(locating, "SIMULATED", 1)
    monkeypatch.setattr(cycle, "PER_STATEMENT", 0)
    simulated = simulate(["PVC"], seed=locating.FIRST_SEED)
    beat = next(e for e in simulated.events if e.kind == "PVC")
    x = torch.from_numpy(model_input(simulated.ecg))[None]

    def on_the_beat(network):
        branch = network.branches["morphology"]
        centre = 50 * (beat.onset_s + beat.offset_s)
        with torch.no_grad():
            latents = branch.backbone(x)[0]
            middles = [sum(branch.window_samples(c)) / 2 for c in range(latents.shape[1])]
            cell = int(np.abs(np.array(middles) - centre).argmin())
            branch.prototypes.vectors[4:] = latents[:, cell]

    results = localisation(changed(fold, on_the_beat))["morphology"]
    _, held, held_by_chance, central, central_by_chance = results["per_statement"]["PVC"]
    assert held == central == 1
    assert 0 < held_by_chance < 0.6 and 0 < central_by_chance < 0.4


def test_each_sample_lies_in_one_phase_of_its_beat():
    beat = Beat(qrs=(1.0, 1.1), p=(0.8, 0.9), t=(1.3, 1.5))
    without_p = Beat(qrs=(2.0, 2.1), t=(2.3, 2.5))
    only_qrs = Beat(qrs=(9.95, 10.0))
    found = [PHASES[phase] for phase in phases([beat, without_p, only_qrs])]
    assert len(found) == 1000
    assert found[79] == found[95] == found[155] == found[185] == "between"
    assert found[80] == "P" and found[105] == found[205] == found[999] == "QRS"
    assert found[120] == "ST" and found[140] == "T" and found[149] == "T"
    assert found.count("T") == 40 and found.count("P") == 10 and found.count("QRS") == 25


def test_a_prototype_lies_in_its_own_ecg_as_it_does(fold):
    prototypes = fold.bundle.prototypes[4:]
    own = replace(fold, ecgs=[ptbxl.read_record(fold.root, p.record) for p in prototypes])
    found = [TopMatch(row, 0, 4 + row) for row in range(len(prototypes))]
    centres = [sum(p.window_s) / 2 for p in prototypes]
    results = as_in_prototype(own, found, centres)
    assert results["as_in_prototype"] == 1
    assert 0.1 < results["as_in_prototype_by_chance"] < 0.6
    nearby = as_in_prototype(own, found, [centre + 0.2 for centre in centres])
    assert nearby["as_in_prototype"] < 0.5


# The whole


def test_the_top_match_is_the_one_that_the_explanation_lists_first(fold):
    names = [p.name for p in fold.bundle.prototypes]
    leading = {(m.row, STATEMENTS[m.statement]): names[m.prototype] for m in top_matches(
        fold.bundle, fold.seen
    )}  # fmt: skip
    for row, ecg in enumerate(fold.ecgs):
        for finding in explain(ecg, fold.bundle).findings:
            first = finding.matches[0]
            if finding.present and first.contribution > 0:
                assert leading.pop((row, finding.code)) == first.prototype.name
    assert not leading


def test_findings_are_those_of_the_explanation(fold):
    present = called(fold.bundle, fold.seen)
    for row, ecg in enumerate(fold.ecgs):
        for finding in explain(ecg, fold.bundle).findings:
            assert present[row, STATEMENTS.index(finding.code)] == finding.present


def test_contributions_are_of_all_prototypes(fold):
    parts = contributions(fold.bundle, fold.seen, np.arange(3), 1)
    total = parts.sum(axis=1) + float(fold.bundle.network.fusion.bias[1])
    assert np.allclose(total, fold.seen.logits[:3, 1], atol=1e-4)


def test_a_sample_is_the_same_each_time_and_in_order():
    assert sample(range(5), 9) == [0, 1, 2, 3, 4]
    drawn = sample(range(1000), 20)
    assert drawn == sample(range(1000), 20) == sorted(set(drawn)) and len(drawn) == 20


@pytest.mark.parametrize("name", MEASURES)
def test_a_measure_says_what_it_is_and_after_whom(name):
    text = definition(MEASURES[name])
    assert 80 < len(text["definition"]) < 1000 and text["definition"].endswith(".")
    assert len(text["source"]) > 20 and "\n" not in text["source"]


@pytest.fixture(scope="module")
def command(tmp_path_factory, bundle, root):
    file = tmp_path_factory.mktemp("out") / "figures.json"
    arguments = ["--bundle", bundle.path, "--data", root, "--fold", FOLD, "--json", file]
    with pytest.MonkeyPatch.context() as quicker:
        quicker.setattr(cycle, "PER_STATEMENT", 1)
        assert main(["faithfulness", *map(str, arguments)]) == 0
    return json.loads(file.read_text())


def test_the_command_writes_nine_measures_of_each_branch(command):
    assert set(command["measures"]) == {
        "sufficiency", "necessity", "completeness", "compactness", "exactness", "coverage",
        "purity", "stability", "localisation",
    }  # fmt: skip
    for measure in command["measures"].values():
        assert set(measure) == {"definition", "source", "branches"}
        assert set(measure["branches"]) == set(OWNERS)
    json.dumps(command, allow_nan=False)


def test_the_table_shows_every_measure_and_branch(command):
    shown = table(command)
    assert all(name in shown for name in [*command["measures"], *OWNERS])
    # Whole strips have nothing to say on some, windows on none.
    assert not any(line.split()[-1] == "-" for line in shown.splitlines())


def test_matches_on_real_ecgs_lie_in_some_phase(command):
    results = command["measures"]["localisation"]["branches"]["morphology"]["real"]
    assert results["matches"] > 0 and results["phases"] == list(PHASES)
    for shares in (results["centres"], results["centres_by_chance"]):
        assert sum(shares) == pytest.approx(1, abs=0.01)


def test_a_whole_strip_is_not_localised(command):
    results = command["measures"]["localisation"]["branches"]["rhythm"]
    assert results == {"shown": "whole strip"}


def test_what_is_drawn_at_random_is_drawn_alike_twice(fold):
    assert necessity(fold) == necessity(fold)
    assert sufficiency(fold) == sufficiency(fold)


def test_a_fold_that_is_none_fails_in_one_line(bundle, root, tmp_path, capsys):
    file = tmp_path / "figures.json"
    arguments = ["--bundle", bundle.path, "--data", root, "--fold", 77, "--json", file]
    assert main(["faithfulness", *map(str, arguments)]) == 1
    assert "no ECG of fold 77" in capsys.readouterr().err and not file.exists()
