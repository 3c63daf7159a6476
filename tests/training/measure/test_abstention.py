import json
import shutil

import numpy as np
import pandas as pd
import pytest

from protoecg.ecg import ECG, LEADS
from protoecg.familiarity import SIZES
from protoecg.prototypes.manifest import BundleError
from protoecg.signals import model_input
from protoecg.simulate import simulate
from protoecg.simulate.torso import ELECTRODES, twelve_leads
from training.__main__ import main
from training.data import ptbxl
from training.familiarity import fit
from training.measure.abstention import SPOILS, measure, summary


@pytest.fixture(scope="module")
def signal():
    return simulate(["PVC"], seed=1, rate=100).ecg.signal


@pytest.fixture(scope="module")
def measured(tiny_bundle, simulated_root):
    return measure(tiny_bundle, simulated_root, 9)


def spoiled(name, signal):
    return SPOILS[name](signal, 100.0, np.random.default_rng(0))


def row(lead):
    return LEADS.index(lead)


# A potential at each electrode, so that every lead is what its electrodes make it.
def leads_of(potentials):
    return twelve_leads(ELECTRODES @ potentials)


SWAPS = [
    ("arm electrodes swapped", [1, 0, 2, 3, 4, 5, 6, 7, 8]),
    ("right arm and left leg swapped", [2, 1, 0, 3, 4, 5, 6, 7, 8]),
    ("left arm and left leg swapped", [0, 2, 1, 3, 4, 5, 6, 7, 8]),
    ("V1 and V2 swapped", [0, 1, 2, 4, 3, 5, 6, 7, 8]),
    ("V1 to V6 reversed", [0, 1, 2, 8, 7, 6, 5, 4, 3]),
]


@pytest.mark.parametrize(("name", "electrodes"), SWAPS)
def test_a_swap_of_electrodes_gives_the_leads_that_it_gives_at_the_bedside(name, electrodes):
    potentials = np.random.default_rng(0).standard_normal((9, 50))
    expected = leads_of(potentials[electrodes])
    np.testing.assert_allclose(spoiled(name, leads_of(potentials)), expected, atol=1e-12)


def test_noise_comes_from_electrodes_so_that_limb_leads_do_not_contradict_each_other(signal):
    for name in ("white noise, no ECG", "muscle noise, 0.5 mV"):
        assert not ECG(spoiled(name, signal), 100).notes


@pytest.mark.parametrize(
    ("name", "flat"), [("one lead flat", 1), ("three leads flat", 3), ("limb leads flat", 6)]
)
def test_flat_leads_are_as_many_as_said(name, flat, signal):
    assert np.sum(np.ptp(spoiled(name, signal), axis=1) == 0) == flat


def test_as_recorded_is_as_recorded(signal):
    np.testing.assert_array_equal(spoiled("as recorded", signal), signal)


def test_limits_are_as_strict_as_asked_for():
    rng = np.random.default_rng(0)
    # Leads that are noise with a size of their own: every ECG is of the same kind.
    x = rng.standard_normal((300, 12, 1000)) * rng.uniform(0.5, 2, (300, 12, 1))
    familiarity = fit(x[:200], np.arange(200))
    strange = np.any(list(familiarity.strange(x[200:]).values()), axis=0)
    assert np.mean(strange) <= 0.05
    assert np.any(list(familiarity.strange(20 * x[200:]).values()), axis=0).all()


def test_the_order_of_patients_and_their_names_do_not_matter():
    x = np.random.default_rng(0).standard_normal((60, 12, 1000))
    one, other = fit(x, np.arange(60)), fit(x, np.array([f"p{i:03d}" for i in range(60)]))
    for trait in SIZES:
        assert one.usual[trait].limit == other.usual[trait].limit


def test_every_way_of_spoiling_is_measured_on_every_ecg(measured, simulated_root, tiny_bundle):
    assert set(measured["recordings"]) == set(SPOILS)
    assert measured["n"] == len(ptbxl.load(simulated_root).folds([9]).table)
    assert measured["revision"] == tiny_bundle.revision
    for shares in measured["recordings"].values():
        low, high = shares["abstained_interval"]
        assert 0 <= low <= shares["abstained"] <= high <= 1
        assert shares["abstained"] + shares["refused"] <= 1


def test_limb_leads_at_odds_are_abstained_from(measured):
    for name in ("lead II half as high as recorded", "lead I upside down"):
        assert measured["recordings"][name]["abstained"] > 0.9, name


def test_what_no_reader_takes_is_refused_and_not_abstained_from(measured):
    assert "refused" not in summary(measured).split("as recorded", 1)[1].split("\n")[0]
    assert measured["recordings"]["as recorded"]["refused"] == 0


def test_a_fold_of_its_own_is_judged_by_other_patients(measured):
    assert measured["fitted_on"] == "the other half of the patients"


def test_a_fold_of_the_same_number_of_other_data_is_judged_by_the_bundles_own_limits(
    tiny_bundle, simulated_root, tmp_path
):
    shutil.copytree(simulated_root, tmp_path / "other")
    about = tmp_path / "other" / "dataset.json"
    about.write_text(json.dumps({**json.loads(about.read_text()), "name": "Other ECGs"}))
    assert measure(tiny_bundle, tmp_path / "other", 9)["fitted_on"] == "the validation fold"


def test_a_fold_of_too_few_patients_is_refused_in_words(tiny_bundle, simulated_root, tmp_path):
    shutil.copytree(simulated_root, tmp_path / "few")
    table = pd.read_csv(tmp_path / "few" / "ptbxl_database.csv")
    patients = table.loc[table["strat_fold"] == 9, "patient_id"].unique()[:3]
    few = table[table["patient_id"].isin(patients) | (table["strat_fold"] != 9)]
    few.to_csv(tmp_path / "few" / "ptbxl_database.csv", index=False)
    with pytest.raises(ptbxl.DataError, match="Found ECGs of 3 patients, expected 4 or more"):
        measure(tiny_bundle, tmp_path / "few", 9)


def test_what_is_usual_is_not_learnt_from_one_patient():
    with pytest.raises(ptbxl.DataError, match="one patient"):
        fit(np.random.default_rng(0).standard_normal((60, 12, 1000)), np.zeros(60))


def test_a_bundle_without_limits_can_be_measured_only_where_they_can_be_fitted(
    tiny_bundle, simulated_root
):
    without = type(tiny_bundle)(**{**vars(tiny_bundle), "familiarity": None})
    with pytest.raises(BundleError, match="never abstains"):
        measure(without, simulated_root, 10)


def test_the_command_writes_its_figures(tmp_path, tiny_bundle, simulated_root, capsys):
    file = tmp_path / "abstention.json"
    command = ["abstention", "--bundle", tiny_bundle.path, "--data", simulated_root]
    assert main([str(part) for part in [*command, "--fold", 9, "--json", file]]) == 0
    assert set(json.loads(file.read_text())["recordings"]) == set(SPOILS)
    assert "V1 to V6 reversed: abstained" in capsys.readouterr().out


def test_a_real_ecg_with_swapped_arms_or_reversed_chest_leads_is_told(ptbxl_root):
    data = ptbxl.load(ptbxl_root).folds([9])
    ecgs = [ptbxl.read_record(ptbxl_root, record) for record in data.table["record"][:300]]
    familiarity = fit(np.stack([model_input(ecg) for ecg in ecgs[:220]]), np.arange(220))
    for name in ("arm electrodes swapped", "V1 to V6 reversed", "white noise, no ECG"):
        x = np.stack([model_input(ECG(spoiled(name, ecg.signal), ecg.rate)) for ecg in ecgs[220:]])
        assert np.mean(np.any(list(familiarity.strange(x).values()), axis=0)) > 0.5, name
