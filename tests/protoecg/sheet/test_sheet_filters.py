"""Filters of the drawing, measured on sine waves."""

import numpy as np
import pytest

from protoecg.ecg import ECG
from protoecg.sheet.filters import NO_FILTER, ST_MAY_SHIFT, Filters, filtered
from protoecg.simulate import example


def sine(hz: float, rate: float, seconds: float) -> ECG:
    times = np.arange(round(seconds * rate)) / rate
    return ECG(np.tile(np.sin(2 * np.pi * hz * times + 0.3), (12, 1)), rate)


def loss_db(filters: Filters, hz: float, rate: float) -> float:
    """How much of a sine wave is lost in the middle of a long recording, in dB."""
    ecg = sine(hz, rate, max(20.0, 20 / hz))
    middle = slice(len(ecg.signal[0]) // 4, -len(ecg.signal[0]) // 4)
    before, after = ecg.signal[0, middle], filtered(ecg, filters)[0, middle]
    return float(-20 * np.log10(max(np.std(after) / np.std(before), 1e-9)))


@pytest.mark.parametrize("rate", [100, 257, 500])
@pytest.mark.parametrize("hz", [0.05, 0.5])
def test_a_high_pass_loses_three_decibels_at_its_frequency(hz, rate):
    filters = Filters(high_pass_hz=hz)
    assert loss_db(filters, hz, rate) == pytest.approx(3.01, abs=0.05)
    assert loss_db(filters, hz / 4, rate) > 20
    assert loss_db(filters, hz * 4, rate) < 0.1


@pytest.mark.parametrize(("hz", "rate"), [(40, 100), (40, 257), (40, 500), (150, 500), (150, 1000)])
def test_a_low_pass_loses_three_decibels_at_its_frequency(hz, rate):
    filters = Filters(low_pass_hz=hz)
    assert loss_db(filters, hz, rate) == pytest.approx(3.01, abs=0.05)
    assert loss_db(filters, hz / 4, rate) < 0.1
    assert loss_db(filters, 0.5 * (hz + rate / 2), rate) > 8


@pytest.mark.parametrize("rate", [250, 500, 1000])
@pytest.mark.parametrize("hz", [50, 60])
def test_a_notch_takes_the_mains_out_and_little_beside(hz, rate):
    filters = Filters(notch_hz=hz)
    assert loss_db(filters, hz, rate) > 60
    for beside in (hz - 1, hz + 1):
        assert loss_db(filters, beside, rate) == pytest.approx(3.01, abs=0.2)
    assert loss_db(filters, hz - 10, rate) < 0.1


@pytest.mark.parametrize(
    ("filters", "hz"),
    [(Filters(0.05), 1.0), (Filters(0.5), 3.0), (Filters(low_pass_hz=40), 10.0)],
)
def test_nothing_is_delayed(filters, hz):
    ecg = sine(hz, 500, 20)
    before, after = ecg.signal[0], filtered(ecg, filters)[0]
    lags = range(-20, 21)
    best = max(lags, key=lambda lag: float(np.dot(before[100:-100], np.roll(after, lag)[100:-100])))
    assert best == 0


def test_without_filters_every_sample_is_drawn_as_it_was_recorded():
    ecg = example("Atrial fibrillation")
    assert filtered(ecg, Filters()) is ecg.signal


@pytest.mark.parametrize("hz", [0.05, 0.5])
def test_a_high_pass_takes_the_offset_out_and_leaves_no_step_at_either_end(hz):
    rest = np.zeros((12, 5000))
    rest[0, :40] = 1.0
    rest[0, -40:] = 1.0
    drawn = filtered(ECG(rest + 3.0 + 0.01 * np.eye(12, 5000), 500), Filters(hz))
    assert np.abs(drawn[1:]).max() < 0.02
    assert np.abs(drawn[0, 500:-500]).max() < 0.15


def test_a_wandering_baseline_is_straightened_and_the_beats_stay():
    clean = example("Premature ventricular complexes")
    times = np.arange(clean.signal.shape[1]) / clean.rate
    wander = np.sin(2 * np.pi * 0.1 * times).astype(np.float32)
    drawn = filtered(ECG(clean.signal + wander, clean.rate), Filters(0.5))
    alone = filtered(clean, Filters(0.5))
    assert np.abs(drawn - alone)[:, 500:-500].max() < 0.1
    assert np.ptp(drawn[1]) > 0.9 * np.ptp(clean.signal[1])


@pytest.mark.parametrize(
    ("filters", "rate", "printed"),
    [
        (Filters(), 500, NO_FILTER),
        (Filters(0.05), 500, f"high-pass 0.05 Hz, {ST_MAY_SHIFT}"),
        (
            Filters(0.5, 50, 40),
            500,
            f"high-pass 0.5 Hz, notch 50 Hz, low-pass 40 Hz, {ST_MAY_SHIFT}",
        ),
        (Filters(None, 50, 40), 100, "low-pass 40 Hz"),
        (Filters(None, 60, 150), 100, NO_FILTER),
        (Filters(None, 60, 150), 300, "notch 60 Hz"),
    ],
)
def test_the_paper_names_the_filters_that_apply(filters, rate, printed):
    assert filters.printed(rate) == printed


@pytest.mark.parametrize(
    ("filters", "rate", "unfit"),
    [
        (Filters(None, 50), 100, ["notch 50 Hz"]),
        (Filters(None, 60, 150), 100, ["notch 60 Hz", "low-pass 150 Hz"]),
        (Filters(None, 60, 150), 300, ["low-pass 150 Hz"]),
        (Filters(None, 60, 150), 301, []),
        (Filters(None, 50, 40), 80, ["notch 50 Hz", "low-pass 40 Hz"]),
    ],
)
def test_a_filter_at_or_above_half_the_rate_is_said_not_to_apply_and_changes_nothing(
    filters, rate, unfit
):
    notes = filters.notes(rate)
    assert [note.split(" filter does not apply")[0] for note in notes] == [
        f"The {name}" for name in unfit
    ]
    assert all(f"{rate} Hz" in note and f"{rate / 2:g} Hz" in note for note in notes)
    if len(unfit) == len(filters.names):
        ecg = sine(1.0, rate, 10)
        assert filtered(ecg, filters) is ecg.signal


@pytest.mark.parametrize(("hz", "warned"), [(None, False), (0.05, True), (0.5, True)])
def test_st_segments_may_shift_wherever_a_high_pass_is_used(hz, warned):
    notes = " ".join(Filters(hz, None, 40).notes(500))
    assert (ST_MAY_SHIFT in notes) is warned
