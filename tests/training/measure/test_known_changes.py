import json

import numpy as np
import pytest

from protoecg.ecg import ECG, LEADS
from protoecg.measure import delineate, quantities
from protoecg.measured.unnamed import NAMES
from protoecg.simulate import simulate
from training.__main__ import main
from training.data import ptbxl
from training.measure.known_changes import heights, timing
from training.measure.known_changes.catalogue import changes
from training.measure.known_changes.measure import measure
from training.measure.known_changes.premature import early_complexes
from training.measure.known_changes.subject import Subject

CHANGES = {change.name: change for change in changes()}


def subject(seed=3):
    found = Subject.of(simulate(["NORM"], seed=seed, rate=100, noise_level=0.3).ecg)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def normal():
    return subject()


@pytest.fixture(scope="module")
def real(ptbxl_root):
    """Ten real normal ECGs of fold 9 whose waves can all be measured."""
    data = ptbxl.load(ptbxl_root).folds([9])
    plain = data.table[[set(codes) == {"NORM", "SR"} for codes in data.table["codes"]]]
    read = (Subject.of(ptbxl.read_record(data.root, r)) for r in plain["record"][:40])
    found = [one for one in read if one and 50 <= one.values["heart_rate"] <= 90]
    assert len(found) > 10
    return found[:10]


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_measures_as_what_was_asked_in_most_real_ecgs(name, real):
    change = CHANGES[name]
    made = [change.make(one) for one in real]
    assert sum(one is not None for one in made) >= 5
    as_asked = [change.of(one) for one, changed in zip(real, made, strict=True) if changed]
    assert np.mean([one is not None for one in as_asked]) >= 0.5


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_smooth_bounded_and_keeps_the_limb_leads_together(name, normal):
    changed = CHANGES[name].make(normal)
    if changed is None:
        pytest.skip("no room for it in this ECG")
    before, after = normal.signal, changed.ecg.signal
    assert not changed.ecg.limb_leads_contradict
    assert np.abs(np.diff(after)).max() <= 1.6 * np.abs(np.diff(before)).max()
    assert changed.spans_s.shape[1] == 2 and len(changed.spans_s)
    assert (changed.spans_s[:, 0] < changed.spans_s[:, 1]).all()
    assert changed.spans_s.min() >= 0 and changed.spans_s.max() <= 10


def test_what_a_measurement_says_of_a_change_is_something_that_it_can_say():
    assert {name for change in CHANGES.values() for name in change.measured} <= set(NAMES)


def rising(signal):
    return np.abs(signal).max(axis=1)


def test_st_is_raised_in_the_leads_asked_for_alone(normal):
    changed = heights.st_level(normal, "V1 to V4", 0.2)
    by = rising(changed.ecg.signal - normal.signal)
    assert by[6:10] == pytest.approx(0.2, abs=0.01)
    assert np.delete(by, range(6, 10)) == pytest.approx(0, abs=1e-6)
    inferior = rising(heights.st_level(normal, "II, III, aVF", 0.2).ecg.signal - normal.signal)
    assert inferior[[1, 2, 5]] == pytest.approx(0.2, abs=0.01)
    assert inferior[[0, *range(6, 12)]] == pytest.approx(0, abs=1e-6)


def test_nothing_but_st_and_t_changes_with_st(normal):
    after = quantities(delineate(heights.st_level(normal, "V1 to V4", 0.4).ecg))
    for name in ("heart_rate", "pr", "qrs", "r_V5", "st_V6"):
        assert after[name] == pytest.approx(normal.values[name], rel=0.15, abs=0.02), name


def test_a_longer_pr_leaves_the_qrs_complexes_where_they_are(normal):
    changed = timing.longer_pr(normal, 240)
    after = quantities(delineate(changed.ecg))
    assert after["qrs"] == pytest.approx(normal.values["qrs"], abs=8)
    assert after["heart_rate"] == pytest.approx(normal.values["heart_rate"], abs=0.5)
    for _, beat in normal.pairs():
        start, end = (round(100 * seconds) for seconds in beat.qrs)
        np.testing.assert_allclose(
            changed.ecg.signal[:, start + 1 : end], normal.signal[:, start + 1 : end], atol=1e-6
        )


def test_there_is_no_room_for_what_would_reach_the_next_beat(normal):
    assert timing.longer_qt(normal, 900) is None
    assert timing.wider_qrs(normal, 600) is None
    assert timing.longer_pr(normal, 700) is None


def test_one_beat_comes_early_and_the_next_in_time(normal):
    found = delineate(timing.early_beats(normal, 0.35, 1).ecg)
    usual, rr = float(np.median(normal.rr_s)), np.array(found.rr_s)
    assert rr.min() == pytest.approx(0.65 * usual, abs=0.06)
    assert rr.sum() == pytest.approx(sum(normal.rr_s), abs=0.03)
    assert len(rr) == len(normal.rr_s)
    assert len(early_complexes(found, alike=True)) == 1


def test_an_ectopic_beat_has_another_shape(normal):
    found = delineate(timing.ectopic_beats(normal, 0.35, 1).ecg)
    assert len(early_complexes(found, alike=False)) == 1
    assert len(early_complexes(found, alike=True)) == 0


def test_a_missing_beat_is_a_pause_and_a_dropped_complex_leaves_its_p_wave(normal):
    missing = timing.missing_beats(normal, 1)
    dropped = timing.dropped_complex(normal)
    for changed in (missing, dropped):
        assert len(delineate(changed.ecg).beats) == len(normal.beats) - 1
    left = dropped.ecg.signal - missing.ecg.signal
    of_p = normal.values["p_II"]
    assert np.abs(left[LEADS.index("II")]).max() == pytest.approx(of_p, abs=0.06)


def test_an_ecg_with_an_unsure_wave_or_another_beat_is_no_subject():
    assert Subject.of(simulate(["AFIB"], seed=1, rate=100).ecg) is None
    assert Subject.of(simulate(["PVC", "SR"], seed=1, rate=100).ecg) is None
    noise = np.random.default_rng(0).normal(0, 0.1, (12, 1000))
    assert Subject.of(ECG(noise, 100)) is None


def test_a_fold_without_normal_ecgs_is_refused(tiny_bundle, simulated_root):
    with pytest.raises(ptbxl.DataError, match="has no ECG that is labelled, and found, to be"):
        measure(tiny_bundle, simulated_root, 10, n=1)


def test_st_elevation_withholds_a_normal_ecg_and_early_beats_are_possible(ptbxl_root, tmp_path):
    file = tmp_path / "changes.json"
    bundle = ptbxl_root.parents[1] / "models" / "ptbxl"
    if not (bundle / "bundle.json").is_file():
        pytest.skip("no models/ptbxl beside data/ptbxl")
    command = ["known_changes", "--bundle", bundle, "--data", ptbxl_root, "--fold", 9, "--n", 2]
    assert main([str(part) for part in [*command, "--json", file]]) == 0
    document = json.loads(file.read_text())
    assert document["n"] == 2 and set(document["changes"]) == set(CHANGES)
    for own in document["changes"].values():
        assert own["ecgs"] == 0 or own["told"]["share"] >= own["called"]["share"]
    for name in ("ST +0.4 mV in V1 to V4", "QTc of 560 ms"):
        assert document["changes"][name]["told"]["share"] == 1
    assert document["changes"]["ST +0.4 mV in V1 to V4"]["normal"]["share"] == 0
    assert document["premature"]["PVC"]["holds"] > document["premature"]["PVC"]["holds_by_chance"]
