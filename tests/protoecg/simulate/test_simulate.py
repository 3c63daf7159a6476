"""What a statement promises is measured on the clean tracing, at the times of its events."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protoecg.ecg import LEADS
from protoecg.labels import PTBXL
from protoecg.simulate import (
    CODES,
    EVIDENCE,
    EXAMPLES,
    NOTE,
    Person,
    SimulatedECG,
    compatible,
    completed,
    draw,
    example,
    simulate,
)
from protoecg.simulate.atria import fibrillatory_waves, flutter_waves
from protoecg.simulate.torso import DOWER, twelve_leads

RATE = 500
SEEDS = range(8)
# Bundle branch block, pacing and pre-excitation change the voltages by themselves.
WIDE = {"CLBBB", "CRBBB", "PACE", "WPW"}


@cache
def clean(seed: int, *statements: str) -> SimulatedECG:
    return simulate(statements, seed=seed, rate=RATE, noise_level=0)


def each(*statements: str):
    return [clean(seed, *statements) for seed in SEEDS]


def spans(simulated: SimulatedECG, kind: str) -> np.ndarray:
    found = [(e.onset_s, e.offset_s) for e in simulated.events if e.kind == kind]
    return np.array(found).reshape(-1, 2)


def sinus_qrs(simulated: SimulatedECG) -> np.ndarray:
    early = [*spans(simulated, "PVC"), *spans(simulated, "PAC")]
    qrs = spans(simulated, "QRS")
    return np.array([q for q in qrs if not any(a <= q[0] < b for a, b in early)])


def heart_rate(simulated: SimulatedECG) -> float:
    return 60 / np.diff(spans(simulated, "QRS")[:, 0]).mean()


def intervals_to_qrs(simulated: SimulatedECG) -> np.ndarray:
    p = spans(simulated, "P")[:, 0]
    qrs = spans(simulated, "QRS")[:, 0]
    return np.array([qrs[qrs > onset][0] - onset for onset in p if (qrs > onset).any()])


def beat(simulated: SimulatedECG, lead: str, start: float, end: float) -> np.ndarray:
    """One stretch of a lead against the level just before the first whole sinus complex in it."""
    onset = sinus_qrs(simulated)[1, 0]
    values = simulated.ecg.signal[LEADS.index(lead)]
    level = values[round((onset - 0.004) * RATE)]
    return values[round((onset + start) * RATE) : round((onset + end) * RATE) + 1] - level


def qrs(simulated: SimulatedECG, lead: str) -> np.ndarray:
    onset, offset = sinus_qrs(simulated)[1]
    return beat(simulated, lead, 0, offset - onset)


def t_wave(simulated: SimulatedECG, lead: str) -> np.ndarray:
    onset = sinus_qrs(simulated)[1, 0]
    t = spans(simulated, "T")
    start, end = t[t[:, 0] > onset][0] - onset
    return beat(simulated, lead, start, end)


def extreme(values: np.ndarray) -> float:
    return float(values[np.abs(values).argmax()])


def sokolow(simulated: SimulatedECG) -> float:
    left = max(qrs(simulated, "V5").max(), qrs(simulated, "V6").max())
    return left - qrs(simulated, "V1").min()


def axis(simulated: SimulatedECG) -> float:
    one, foot = qrs(simulated, "I").sum(), qrs(simulated, "aVF").sum()
    return float(np.degrees(np.arctan2(2 / np.sqrt(3) * foot, one)))


def corrected_qt(simulated: SimulatedECG) -> float:
    ends = spans(simulated, "T")[:, 1]
    onsets = sinus_qrs(simulated)[:, 0]
    qt = ends[ends > onsets[1]][0] - onsets[1]
    return qt / np.cbrt(np.diff(onsets).mean())


@pytest.mark.parametrize(
    ("statement", "low", "high"),
    [("NORM", 60, 100), ("SBRAD", 40, 60), ("STACH", 100, 150), ("PACE", 59, 81)],
)
def test_heart_rate_is_that_of_the_rhythm(statement, low, high):
    assert all(low < heart_rate(s) < high for s in each(statement))


def test_sinus_rhythm_has_one_p_wave_before_each_complex():
    for simulated in each("NORM"):
        intervals = intervals_to_qrs(simulated)
        assert len(intervals) >= len(spans(simulated, "QRS")) - 1
        assert ((intervals >= 0.12) & (intervals <= 0.2)).all()


def test_first_degree_block_prolongs_every_pr_interval():
    for simulated in each("1AVB"):
        intervals = intervals_to_qrs(simulated)
        assert ((intervals > 0.2) & (intervals < 0.33)).all()


def test_breathing_changes_the_rate_and_more_so_in_sinus_arrhythmia():
    def spread(simulated):
        return np.ptp(np.diff(spans(simulated, "P")[:, 0]))

    assert all(0 < spread(s) < 0.12 for s in each("NORM"))
    assert all(spread(s) > 0.12 for s in each("SARRH"))


def test_fibrillation_has_irregular_complexes_and_no_p_waves():
    for simulated in each("AFIB"):
        intervals = np.diff(spans(simulated, "QRS")[:, 0])
        assert intervals.std() / intervals.mean() > 0.08
        assert len(spans(simulated, "P")) == 0
        assert [e.offset_s for e in simulated.events if e.kind == "f waves"] == [10.0]


def test_flutter_conducts_every_second_to_sixth_of_about_300_waves_a_minute():
    for simulated in each("AFLT"):
        # The cycle divides all intervals between complexes, so that it shows as a comb.
        intervals = np.diff(spans(simulated, "QRS")[:, 0])
        cycles = np.linspace(60 / 335, 60 / 255, 400)
        misfit = [np.abs(intervals / c - np.rint(intervals / c)).max() for c in cycles]
        cycle = cycles[int(np.argmin(misfit))]
        assert min(misfit) < 0.02
        assert set(np.rint(intervals / cycle)) <= {2, 3, 4, 5, 6}
        assert len(spans(simulated, "P")) == 0


def test_flutter_waves_repeat_steadily_and_point_away_from_the_inferior_leads():
    times, cycle = np.arange(0, 5, 0.002), 0.2
    for seed in SEEDS:
        waves = flutter_waves(times, cycle, 0.1, np.random.default_rng(seed))
        leads = twelve_leads(DOWER @ waves)
        np.testing.assert_allclose(leads[:, 100:], leads[:, :-100], atol=1e-9)
        sizes = dict(zip(LEADS, np.ptp(leads, axis=1), strict=True))
        assert min(sizes[lead] for lead in ("II", "III", "aVF")) > 2 * sizes["I"]
        # A sawtooth: slowly downwards, quickly back.
        assert (np.diff(leads[LEADS.index("II")]) < 0).mean() > 0.6


def test_fibrillation_waves_are_largest_in_v1_and_between_4_and_9_hz():
    times = np.arange(0, 10, 0.002)
    hz = np.fft.rfftfreq(len(times), 0.002)
    for seed in SEEDS:
        leads = twelve_leads(DOWER @ fibrillatory_waves(times, np.random.default_rng(seed)))
        sizes = dict(zip(LEADS, leads.std(axis=1), strict=True))
        assert sizes["V1"] > max(sizes[lead] for lead in ("I", "II", "aVF", "V5", "V6"))
        power = np.abs(np.fft.rfft(leads[LEADS.index("V1")])) ** 2
        assert power[(hz >= 4) & (hz <= 9)].sum() > 0.8 * power.sum()


def test_ventricular_beats_are_early_wide_and_followed_by_a_compensatory_pause():
    for simulated in each("PVC"):
        onsets = spans(simulated, "QRS")[:, 0]
        usual = np.diff(sinus_qrs(simulated)[:, 0]).min()
        for start, end in spans(simulated, "PVC"):
            i = int(np.flatnonzero(onsets == start)[0])
            assert np.diff(spans(simulated, "QRS")[i])[0] >= 0.12
            assert onsets[i] - onsets[i - 1] < 0.9 * usual
            assert onsets[i + 1] - onsets[i - 1] == pytest.approx(2 * usual, rel=0.09)
            assert not (
                (spans(simulated, "P")[:, 0] > onsets[i - 1]) & (spans(simulated, "P")[:, 0] < end)
            ).any()


def test_ventricular_beats_turn_their_t_wave_against_their_complex():
    for simulated in each("PVC"):
        for start, _ in spans(simulated, "PVC"):
            onset, offset = next(s for s in spans(simulated, "QRS") if s[0] == start)
            t = next(s for s in spans(simulated, "T") if s[0] > start)
            complex_ = simulated.ecg.between(onset, offset)
            lead = int(np.abs(complex_.sum(axis=1)).argmax())
            turned = extreme(simulated.ecg.between(*t)[lead])
            assert np.sign(turned) == -np.sign(complex_[lead].sum())


def test_atrial_beats_are_early_and_narrow_and_reset_the_sinus_node():
    for simulated in each("PAC"):
        onsets = spans(simulated, "QRS")[:, 0]
        usual = np.diff(sinus_qrs(simulated)[:, 0]).min()
        for start, end in spans(simulated, "PAC"):
            i = int(np.flatnonzero((onsets > start) & (onsets < end))[0])
            assert np.diff(spans(simulated, "QRS")[i])[0] < 0.12
            assert start in spans(simulated, "P")[:, 0]
            assert onsets[i] - onsets[i - 1] < 0.92 * usual
            assert onsets[i + 1] - onsets[i - 1] < 1.95 * usual


@pytest.mark.parametrize("statement", ["PVC", "PAC"])
def test_an_ecg_with_premature_beats_shows_at_least_one_whole(statement):
    assert all(1 <= len(spans(s, statement)) <= 3 for s in each(statement))


def test_left_bundle_branch_block_is_broad_without_septal_q_and_discordant():
    for simulated in each("CLBBB"):
        assert np.diff(sinus_qrs(simulated)[1])[0] >= 0.12
        assert extreme(qrs(simulated, "V1")) < -0.5
        for lead in ("I", "V6"):
            assert beat(simulated, lead, 0, 0.06).min() > -0.03
            assert extreme(qrs(simulated, lead)) > 0.15
            assert extreme(t_wave(simulated, lead)) < 0
        assert extreme(t_wave(simulated, "V1")) > 0


def test_right_bundle_branch_block_ends_upwards_in_v1_and_downwards_in_i_and_v6():
    for simulated in each("CRBBB"):
        assert np.diff(sinus_qrs(simulated)[1])[0] >= 0.12
        half = len(qrs(simulated, "V1")) // 2
        assert qrs(simulated, "V1")[half:].max() > 0.25
        assert qrs(simulated, "I")[half:].min() < -0.08
        assert qrs(simulated, "V6")[half:].min() < -0.08


def test_hypertrophy_exceeds_the_sokolow_lyon_limit():
    assert all(sokolow(s) > 3.5 for s in each("LVH"))


@pytest.mark.parametrize("statement", ["NORM", "AFIB", "PVC", "IMI", "ASMI", "INVT", "LAFB"])
def test_without_hypertrophy_sokolow_lyon_stays_below_its_limit(statement):
    assert all(sokolow(s) < 3.5 for s in each(statement))


def test_anteroseptal_infarction_takes_the_r_wave_of_v1_to_v3():
    for simulated in each("ASMI"):
        for lead in ("V1", "V2", "V3"):
            first = beat(simulated, lead, 0, 0.04)
            assert first.min() < -0.1
            assert first[: first.argmin() + 1].max() < 0.03


@pytest.mark.parametrize("lead", ["V1", "V2", "V3"])
def test_a_normal_ecg_has_its_r_wave_in_the_chest_leads(lead):
    assert all(beat(s, lead, 0, 0.05).max() > 0.08 for s in each("NORM"))


def test_inferior_infarction_shows_wide_q_waves_in_two_inferior_leads():
    def q_seconds(values):
        return np.count_nonzero(values < -0.03) / RATE

    for simulated in each("IMI"):
        first = {lead: beat(simulated, lead, 0, 0.045) for lead in ("II", "III", "aVF")}
        deep = [v.min() < -0.1 and q_seconds(v) >= 0.02 for v in first.values()]
        assert sum(deep) >= 2


def st_level(simulated, lead):
    onset, offset = sinus_qrs(simulated)[1]
    return beat(simulated, lead, offset - onset + 0.04, offset - onset + 0.06).mean()


def test_st_depression_reaches_the_limit_in_two_lateral_leads_and_a_normal_one_does_not():
    def depressed(simulated):
        return sum(st_level(simulated, lead) <= -0.05 for lead in ("V4", "V5", "V6"))

    assert all(depressed(s) >= 2 for s in each("STD_"))
    assert all(depressed(s) == 0 for s in each("NORM"))


def test_t_waves_are_inverted_in_two_leads_of_a_territory_and_upright_in_a_normal_ecg():
    territories = [("I", "aVL", "V5", "V6"), ("II", "III", "aVF"), ("V2", "V3", "V4")]

    def inverted(simulated):
        return max(
            sum(extreme(t_wave(simulated, lead)) <= -0.1 for lead in leads) for leads in territories
        )

    assert all(inverted(s) >= 2 for s in each("INVT"))
    for simulated in each("NORM"):
        assert all(extreme(t_wave(simulated, lead)) > 0 for lead in ("I", "II", "V4", "V5", "V6"))


def test_the_corrected_qt_is_long_only_when_it_is_said_to_be():
    assert all(corrected_qt(s) > 0.48 for s in each("LNGQT"))
    for statement in ("NORM", "SBRAD", "1AVB", "INVT"):
        assert all(0.35 < corrected_qt(s) < 0.455 for s in each(statement))


def test_the_end_of_the_t_wave_is_where_the_tracing_returns_to_its_level():
    for simulated in each("LNGQT"):
        t = np.abs(t_wave(simulated, "V4"))
        assert t[-1] < 0.25 * t.max()


def test_each_paced_complex_is_broad_and_follows_its_spike():
    for simulated in each("PACE"):
        spikes = spans(simulated, "pacing spike")[:, 0]
        for onset, offset in spans(simulated, "QRS")[1:]:
            assert offset - onset >= 0.12
            assert 0 < onset - spikes[spikes < onset][-1] < 0.02


def test_a_pacing_spike_shows_at_100_hz_as_well():
    simulated = simulate(["PACE"], seed=3, rate=100, noise_level=0)
    signal = simulated.ecg.signal[LEADS.index("II")]
    for onset, _ in spans(simulated, "pacing spike")[1:-1]:
        at = round(onset * 100)
        assert np.ptp(signal[at - 2 : at + 2]) > 0.1


def test_low_voltage_stays_below_half_a_millivolt_in_all_limb_leads():
    for simulated in each("LVOLT"):
        assert max(np.ptp(qrs(simulated, lead)) for lead in LEADS[:6]) < 0.5


def test_without_low_voltage_some_limb_lead_exceeds_half_a_millivolt():
    for simulated in each("NORM"):
        assert max(np.ptp(qrs(simulated, lead)) for lead in LEADS[:6]) > 0.5


def test_pre_excitation_shortens_pr_and_widens_the_complex():
    for simulated in each("WPW"):
        assert (intervals_to_qrs(simulated) < 0.12).all()
        assert np.diff(sinus_qrs(simulated)[1])[0] > 0.11
        # The delta wave: a slurred start, upright over the left ventricle.
        peak = qrs(simulated, "V4").max()
        assert 0.03 * peak < beat(simulated, "V4", 0.035, 0.035)[0] < 0.6 * peak


def test_the_axis_is_normal_but_for_the_left_anterior_fascicle():
    assert all(-30 < axis(s) < 100 for s in each("NORM"))
    assert all(-90 < axis(s) < -40 for s in each("LAFB"))


codes_that_agree = st.integers(0, 2**32).map(lambda seed: draw(np.random.default_rng(seed)))


@settings(max_examples=40, deadline=None)
@given(codes=codes_that_agree, seed=st.integers(0, 2**32), rate=st.sampled_from([100, 500]))
def test_limb_leads_obey_einthoven_and_goldberger(codes, seed, rate):
    one, two, three, avr, avl, avf = simulate(codes, seed=seed, rate=rate).ecg.signal[:6]
    np.testing.assert_allclose(three, two - one, atol=1e-5)
    np.testing.assert_allclose(avr, -(one + two) / 2, atol=1e-5)
    np.testing.assert_allclose(avl, (one - three) / 2, atol=1e-5)
    np.testing.assert_allclose(avf, (two + three) / 2, atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(codes=codes_that_agree, seed=st.integers(0, 2**32))
def test_every_drawn_ecg_is_in_whole_microvolts_of_a_plausible_size(codes, seed):
    signal = simulate(codes, seed=seed).ecg.signal.astype(float)
    np.testing.assert_allclose(signal * 1000, np.rint(signal * 1000), atol=1e-3)
    assert np.abs(signal).max() < 8


@settings(max_examples=40, deadline=None)
@given(codes=codes_that_agree, seed=st.integers(0, 2**32))
def test_events_are_in_order_inside_the_ecg_and_complexes_apart(codes, seed):
    simulated = simulate(codes, seed=seed)
    onsets = [e.onset_s for e in simulated.events]
    assert onsets == sorted(onsets)
    assert all(0 <= e.onset_s < e.offset_s <= 10 for e in simulated.events)
    complexes = spans(simulated, "QRS")
    assert (complexes[1:, 0] > complexes[:-1, 1] + 0.05).all()


@settings(max_examples=30, deadline=None)
@given(codes=codes_that_agree, seed=st.integers(0, 2**32))
def test_every_statement_that_has_evidence_has_its_events(codes, seed):
    simulated = simulate(codes, seed=seed)
    kinds = {e.kind for e in simulated.events}
    for code in set(simulated.statements) & set(EVIDENCE):
        assert kinds >= set(EVIDENCE[code])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_steepest_slopes_lie_within_the_complexes(seed):
    simulated = simulate(["NORM"], seed=seed, rate=RATE, noise_level=0)
    slope = np.abs(np.diff(simulated.ecg.signal, axis=1)).sum(axis=0)
    for onset, offset in spans(simulated, "QRS")[1:-1]:
        around = slice(round((onset - 0.25) * RATE), round((offset + 0.25) * RATE))
        steepest = (around.start + slope[around].argmax() + 0.5) / RATE
        assert onset <= steepest <= offset


@settings(max_examples=10, deadline=None)
@given(codes=st.none() | codes_that_agree, seed=st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_ecg_and_another_one_does_not(codes, seed):
    first, again, other = (simulate(codes, seed=s) for s in (seed, seed, seed + 1))
    np.testing.assert_array_equal(first.ecg.signal, again.ecg.signal)
    assert (first.statements, first.events) == (again.statements, again.events)
    assert not np.array_equal(first.ecg.signal, other.ecg.signal)


@pytest.mark.parametrize("statement", ["NORM", "PVC", "CLBBB"])
def test_the_rate_changes_the_sampling_and_nothing_else(statement):
    fine, coarse = (simulate([statement], seed=2, rate=r, noise_level=0) for r in (500, 100))
    assert fine.events == coarse.events
    np.testing.assert_allclose(fine.ecg.signal[:, ::5], coarse.ecg.signal, atol=1e-5)


def test_noise_comes_on_top_of_the_same_heart():
    noisy, quiet = (simulate(["AFIB"], seed=5, noise_level=level) for level in (1.0, 0.0))
    assert noisy.events == quiet.events
    rest = (noisy.ecg.signal - quiet.ecg.signal).std()
    assert 0.002 < rest < 0.2


def test_a_person_keeps_age_and_sex_from_one_ecg_to_the_next():
    person = Person.draw(np.random.default_rng(1))
    for seed in SEEDS:
        simulated = simulate(["NORM"], seed=seed, person=person)
        assert (simulated.age, simulated.sex) == (person.age, person.sex)


def test_all_codes_are_statements_of_ptbxl():
    assert set(CODES) <= set(PTBXL)
    assert set(EVIDENCE) <= set(CODES)


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ((), ("SR", "NORM")),
        (("NORM",), ("SR", "NORM")),
        (("PVC",), ("SR", "PVC")),
        (("PVC", "AFIB"), ("AFIB", "PVC")),
        (("SBRAD",), ("SBRAD",)),
    ],
)
def test_the_rhythm_that_goes_without_saying_is_added(given_, expected):
    assert set(completed(given_)) == set(expected)


@pytest.mark.parametrize("code", [c for c in CODES if c not in ("NORM", "SR")])
def test_a_normal_ecg_shows_no_pathology(code):
    assert compatible("NORM", code) == (code in ("SBRAD", "STACH", "SARRH"))


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (["LMI"], "Cannot simulate LMI; choose from SR, NORM"),
        (["AFIB", "1AVB"], "1AVB and AFIB do not stand together"),
        (["NORM", "PVC"], "NORM and PVC do not stand together"),
        (["SR", "AFIB"], "AFIB and SR do not stand together"),
    ],
)
def test_what_cannot_be_simulated_is_refused(statements, message):
    with pytest.raises(ValueError, match=message):
        simulate(statements)


def test_every_finding_is_drawn_sooner_or_later():
    rng = np.random.default_rng(0)
    assert {code for _ in range(600) for code in draw(rng)} == set(CODES)


@pytest.mark.parametrize("title", EXAMPLES)
def test_every_example_says_that_it_is_simulated(title):
    ecg = example(title, rate=100)
    assert ecg.source.startswith("Simulated: ")
    assert NOTE in ecg.notes


@pytest.mark.parametrize(
    ("title", "source"),
    [
        ("Atrial fibrillation", "Simulated: atrial fibrillation"),
        ("ST depression", "Simulated: ST depression"),
        ("T wave inversion", "Simulated: T wave inversion"),
    ],
)
def test_an_example_is_named_by_its_finding(title, source):
    assert example(title, rate=100).source == source


def test_every_finding_but_the_rhythm_it_rests_on_has_an_example():
    assert {code for codes in EXAMPLES.values() for code in codes} == set(CODES)


def test_a_longer_ecg_can_be_simulated():
    simulated = simulate(["AFIB"], seed=0, duration=30)
    assert simulated.ecg.duration == 30
    assert max(e.onset_s for e in simulated.events) > 28
