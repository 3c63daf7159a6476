import numpy as np
import pytest

from protoecg.ecg import ECG, LEADS
from protoecg.explain import explain
from protoecg.quality import quality
from protoecg.simulate import simulate
from training.measure.quality import SPOILED


@pytest.fixture(scope="module")
def clean() -> ECG:
    return simulate(["NORM"], seed=3, rate=500).ecg


def spoiled(ecg: ECG, name: str) -> ECG:
    _, spoil = SPOILED[name]
    return ECG(spoil(ecg.signal, ecg.rate, np.random.default_rng(1)), ecg.rate)


@pytest.mark.parametrize("seed", [0, 1, 3, 4])
def test_an_ordinary_ecg_gets_no_warning(seed: int):
    assert quality(simulate(["NORM"], seed=seed, rate=500).ecg).sentences == ()


@pytest.mark.parametrize("name", SPOILED)
def test_a_spoiled_ecg_gets_the_warning_of_its_kind_and_no_hint_of_another(name: str, clean: ECG):
    seen = quality(spoiled(clean, name))

    warning, _ = SPOILED[name]
    assert getattr(seen, warning)
    hints = {"arms_swapped": seen.arms_swapped, "chest_reversed": seen.chest_reversed}
    assert [hint for hint, shown in hints.items() if shown] in ([], [warning])


@pytest.mark.parametrize("lead", ["I", "aVF", "V4"])
def test_the_lead_that_is_still_for_a_while_is_named(lead: str, clean: ECG):
    signal = clean.signal.copy()
    row = LEADS.index(lead)
    signal[row, 1000:2500] = signal[row, 1000]

    assert quality(ECG(signal, clean.rate)).flat == (lead,)


def test_a_lead_silent_throughout_is_left_to_the_notes_of_the_ecg(clean: ECG):
    signal = clean.signal.copy()
    signal[8] = 0
    ecg = ECG(signal, clean.rate)

    assert "V3" in " ".join(ecg.notes)
    assert not any("V3" in sentence for sentence in quality(ecg).sentences)


def test_swapped_electrodes_are_a_hint_and_no_verdict(clean: ECG):
    for name in ("arm electrodes swapped", "V1 to V6 reversed"):
        (sentence,) = quality(spoiled(clean, name)).sentences
        assert "could be" in sentence and "check" in sentence


@pytest.mark.parametrize("factor", [1, 2])
def test_the_sampling_rate_does_not_matter(factor: int, clean: ECG):
    ecg = spoiled(clean, "muscle noise, 0.1 mV")
    assert quality(ECG(ecg.signal[:, ::factor], ecg.rate / factor)).noisy == LEADS


def test_what_follows_the_first_ten_seconds_is_not_judged(clean: ECG):
    then = np.random.default_rng(0).normal(size=clean.signal.shape)
    longer = ECG(np.concatenate([clean.signal, then], axis=1), clean.rate)

    assert quality(longer).sentences == ()


def test_an_explanation_carries_the_warnings(tiny_bundle, clean: ECG):
    ecg = spoiled(clean, "arm electrodes swapped")
    explanation = explain(ecg, tiny_bundle)

    assert explanation.quality == quality(ecg).sentences != ()
    assert explanation.to_json()["quality"] == list(explanation.quality)
    assert not set(explanation.quality) & set(explanation.notes)
