import json
import shutil
from hashlib import sha256

import numpy as np
import pytest
import safetensors.numpy

from protoecg.__main__ import main
from protoecg.bundle import load_bundle, save_bundle
from protoecg.ecg import ECG
from protoecg.explain import explain
from protoecg.familiarity import SIZES, Familiarity, Usual, traits
from protoecg.prototypes.manifest import BundleError
from protoecg.signals import model_input
from protoecg.simulate import CODES, simulate
from training.familiarity import fit


@pytest.fixture(scope="module")
def ecgs():
    codes = sorted(CODES)
    return [simulate([codes[i % len(codes)]], seed=i, rate=100).ecg for i in range(150)]


@pytest.fixture(scope="module")
def inputs(ecgs):
    return np.stack([model_input(ecg) for ecg in ecgs])


@pytest.fixture(scope="module")
def familiarity(inputs):
    return fit(inputs[:120], np.arange(120))


@pytest.fixture
def abstaining(tiny_bundle, familiarity, tmp_path):
    return saved(tiny_bundle, tmp_path / "abstaining", familiarity)


def saved(bundle, path, familiarity):
    return save_bundle(
        path,
        name=bundle.name,
        simulated=bundle.simulated,
        network=bundle.network,
        prototypes=bundle.prototypes,
        decisions=bundle.decisions,
        about=bundle.about,
        familiarity=familiarity,
    )


def noise(scale=0.3):
    return ECG(scale * np.random.default_rng(1).standard_normal((12, 1000)), 100, "noise")


def test_ordinary_ecgs_are_rarely_abstained_from(familiarity, inputs):
    strange = [familiarity.abstains(x) is not None for x in inputs[120:]]
    assert np.mean(strange) <= 0.1


def flat(x):
    return np.where(np.arange(12)[:, None] == 7, 0, x)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda x: np.random.default_rng(0).standard_normal(x.shape), "check for noise"),
        (lambda x: 1000 * x, "check gain"),
        (flat, "leads without signal"),
        (lambda x: x[[5, 8, 1, 10, 3, 7, 0, 11, 2, 9, 4, 6]], "swapped"),
    ],
)
def test_what_is_no_usual_ecg_is_abstained_from_with_the_reason(familiarity, inputs, spoil, reason):
    reasons = [familiarity.abstains(spoil(x).astype(np.float32)) for x in inputs[120:130]]
    assert all(sentence and reason in sentence for sentence in reasons)


def test_traits_have_their_sizes_and_are_finite_even_in_silence():
    for name, values in traits(np.zeros((2, 12, 1000), dtype=np.float32)).items():
        assert values.shape == (2, SIZES[name]) and np.isfinite(values).all()


def test_only_strength_knows_the_gain_and_only_direction_which_way_is_up(inputs):
    x = inputs[:5].astype(np.float64)
    plain, larger, inverted = traits(x), traits(1000 * x), traits(-1000 * x)
    for name in ("agreement", "bursts"):
        np.testing.assert_allclose(inverted[name], larger[name], atol=1e-9)
    np.testing.assert_allclose(inverted["direction"], -larger["direction"], atol=1e-9)
    assert (larger["strength"] > plain["strength"] + 1).all()


def test_distance_is_that_of_mahalanobis():
    covariance = np.array([[2.0, 0.5], [0.5, 1.0]])
    whitening = np.linalg.cholesky(np.linalg.inv(covariance))
    usual = Usual(np.array([1.0, -1.0]), whitening, 1.0)
    apart = np.array([0.7, -2.0])
    expected = np.sqrt(apart @ np.linalg.solve(covariance, apart) / 2)
    assert usual.distance((apart + usual.mean)[None]) == pytest.approx(expected)


def test_a_bundle_keeps_what_is_usual(abstaining, familiarity, inputs):
    assert abstaining.familiarity is not None
    for name, strange in familiarity.strange(-inputs).items():
        np.testing.assert_array_equal(abstaining.familiarity.strange(-inputs)[name], strange)


def test_an_older_bundle_loads_and_never_abstains(tiny_bundle, abstaining, tmp_path):
    older = saved(tiny_bundle, abstaining.path, None)
    assert older.familiarity is None
    assert not (older.path / "familiarity.safetensors").exists()
    head = json.loads((older.path / "bundle.json").read_text()) | {"version": 1}
    (older.path / "bundle.json").write_text(json.dumps(head))
    signal = noise().signal.copy()
    i, ii = signal[:2]
    # Limb leads that contradict each other are a reason of their own.
    signal[2:6] = ii - i, -(i + ii) / 2, i - ii / 2, ii - i / 2
    assert explain(ECG(signal, 100, "noise"), load_bundle(older.path)).abstains is None


def forged(bundle, tmp_path, change):
    """Copy a bundle, with other numbers of what is usual and checksums that fit."""
    folder = tmp_path / "forged"
    shutil.copytree(bundle.path, folder)
    file = folder / "familiarity.safetensors"
    safetensors.numpy.save_file(change(safetensors.numpy.load_file(file)), file)
    head = json.loads((folder / "bundle.json").read_text())
    head["sha256"][file.name] = sha256(file.read_bytes()).hexdigest()
    (folder / "bundle.json").write_text(json.dumps(head))
    return folder


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda n: {k: v for k, v in n.items() if not k.startswith("bursts")}, "traits"),
        (lambda n: n | {"soul.mean": np.zeros(1)}, "whitening"),
        (lambda n: {k: v for k, v in n.items() if k != "strength.limit"}, "limit"),
        (lambda n: n | {"strength.mean": np.zeros(11)}, "strength has not 12"),
        (lambda n: n | {"agreement.whitening": np.zeros((66, 12))}, "agreement has not 66"),
        (lambda n: n | {"direction.mean": np.full(12, np.nan)}, "cannot be"),
        (lambda n: n | {"direction.limit": np.array(-1.0)}, "cannot be"),
        (lambda n: n | {"direction.limit": np.ones(3)}, ""),
        (lambda n: n | {"direction": np.ones(3)}, ""),
    ],
)
def test_numbers_that_cannot_be_are_refused(abstaining, tmp_path, change, words):
    with pytest.raises(BundleError, match=words):
        load_bundle(forged(abstaining, tmp_path, change))


def test_a_damaged_or_missing_file_is_named(abstaining):
    file = abstaining.path / "familiarity.safetensors"
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(BundleError, match="familiarity.safetensors is damaged"):
        load_bundle(abstaining.path)
    file.unlink()
    with pytest.raises(BundleError, match="familiarity.safetensors is missing"):
        load_bundle(abstaining.path)


def test_an_explanation_says_why_it_abstains_and_keeps_its_findings(abstaining, ecgs):
    explanation = explain(noise(), abstaining)
    assert explanation.abstains.startswith("The model abstains")
    assert explanation.to_json()["abstains"] == explanation.abstains
    assert len(explanation.findings) == len(abstaining.statements)
    assert explain(ecgs[0], abstaining).to_json()["abstains"] is None


def test_the_command_line_says_it_before_the_findings(abstaining, tmp_path, capsys):
    np.save(tmp_path / "noise.npy", noise().signal)
    command = ["explain", tmp_path / "noise.npy", "--rate", 100, "--bundle", abstaining.path]
    assert main([str(part) for part in command]) == 0
    printed = capsys.readouterr().out
    assert "! The model abstains" in printed and "not to be relied on" in printed


def test_a_familiarity_lacking_a_trait_is_refused(familiarity):
    with pytest.raises(ValueError, match="traits"):
        Familiarity({"strength": familiarity.usual["strength"]})
