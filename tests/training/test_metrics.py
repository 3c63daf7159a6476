import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from training.metrics import (
    RESAMPLES,
    auroc,
    brier,
    brier_skill,
    ece,
    fmax,
    interval,
    macro,
    macro_auroc,
    once,
    p_value,
    ranking,
    reliability,
    resamples,
    wilson,
)


def by_counting_pairs(labels, scores):
    positive, negative = scores[labels == 1], scores[labels == 0]
    if not len(positive) or not len(negative):
        return np.nan
    wins = [(p > n) + 0.5 * (p == n) for p in positive for n in negative]
    return np.mean(wins)


@given(seed=st.integers(0, 100_000), n=st.integers(1, 25), levels=st.integers(1, 30))
@settings(max_examples=150, deadline=None)
def test_auroc_is_the_share_of_pairs_in_order_with_ties_counting_half(seed, n, levels):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, (n, 3)).astype(np.float32)
    scores = rng.integers(0, levels, (n, 3)).astype(np.float32)
    expected = [by_counting_pairs(labels[:, c], scores[:, c]) for c in range(3)]
    assert auroc(labels, scores) == pytest.approx(expected, nan_ok=True)


def test_a_missing_class_gives_nan_and_no_warning():
    labels = np.array([[1, 0, 1], [1, 0, 0]])
    scores = np.array([[0.1, 0.1, 0.9], [0.2, 0.3, 0.2]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = auroc(labels, scores)
    assert np.isnan(found[:2]).all() and found[2] == 1.0


def test_the_macro_average_is_over_the_statements_that_occur():
    labels = np.array([[1, 0, 1], [0, 0, 0], [0, 0, 1]])
    scores = np.array([[0.9, 0.5, 0.1], [0.1, 0.5, 0.2], [0.2, 0.5, 0.3]])
    assert macro_auroc(labels, scores) == pytest.approx((1.0 + 0.5) / 2)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=30, deadline=None)
def test_turning_the_scores_round_turns_the_figure_round(seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, (40, 2))
    labels[:2] = [[0, 0], [1, 1]]
    scores = rng.normal(size=(40, 2))
    assert auroc(labels, -scores) == pytest.approx(1 - auroc(labels, scores))


def auprc(labels, scores, counts=None):
    counts = once(len(labels)) if counts is None else np.asarray(counts, float)[:, None]
    return ranking(np.array(labels)[:, None], np.array(scores)[:, None], counts)[1][0, 0]


@pytest.mark.parametrize(
    ("labels", "scores", "expected"),
    [
        ([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], (1 + 2 / 3) / 2),
        ([1, 1, 0, 0], [0.9, 0.8, 0.2, 0.1], 1),
        ([0, 0, 0, 1], [0.9, 0.8, 0.7, 0.1], 1 / 4),
        ([0, 1, 0, 1], [0.5, 0.5, 0.5, 0.5], 1 / 2),
        ([1, 0, 1, 0], [0.9, 0.5, 0.5, 0.1], (1 + 2 / 3) / 2),
    ],
)
def test_auprc_is_the_mean_precision_at_the_positives(labels, scores, expected):
    assert auprc(labels, scores) == pytest.approx(expected)


def test_a_positive_drawn_twice_is_no_evidence_for_itself():
    labels, scores = [0, 0, 0, 1], [4, 3, 2, 1]
    assert auprc(labels, scores, [1, 1, 1, 2]) == auprc(labels, scores) == 1 / 4
    assert auprc(labels, scores, [1, 0, 0, 5]) == 1 / 2


def draw(rng, n, columns, levels):
    labels = rng.integers(0, 2, (n, columns)).astype(np.float32)
    scores = rng.integers(0, levels, (n, columns)).astype(np.float32)
    return labels, scores, rng.integers(0, 4, (n, 3)).astype(np.float32)


@given(seed=st.integers(0, 100_000), n=st.integers(1, 25), levels=st.integers(1, 30))
@settings(max_examples=80, deadline=None)
def test_auroc_of_a_resample_is_that_of_its_ecgs_written_out(seed, n, levels):
    labels, scores, counts = draw(np.random.default_rng(seed), n, 2, levels)
    found, _ = ranking(labels, scores, counts)
    for resample, times in enumerate(counts.T.astype(int)):
        rows = np.repeat(np.arange(n), times)
        expected = [by_counting_pairs(labels[rows, c], scores[rows, c]) for c in range(2)]
        assert found[resample] == pytest.approx(expected, nan_ok=True)


@given(seed=st.integers(0, 100_000), n=st.integers(2, 25), levels=st.integers(1, 30))
@settings(max_examples=80, deadline=None)
def test_auprc_of_a_resample_counts_each_positive_once_at_its_own_score(seed, n, levels):
    labels, scores, counts = draw(np.random.default_rng(seed), n, 1, levels)
    _, found = ranking(labels, scores, counts)
    y, s = labels[:, 0] > 0, scores[:, 0]
    for resample, times in enumerate(counts.T):
        if not times[y].sum() or not times[~y].sum():
            assert np.isnan(found[resample, 0])
            continue
        total = 0.0
        for i in np.flatnonzero(y & (times > 0)):
            called = np.where(np.arange(n) == i, 1, times) * (s >= s[i])
            total += times[i] * called[y].sum() / called.sum()
        assert found[resample, 0] == pytest.approx(total / times[y].sum(), rel=1e-5)


def test_figures_of_resamples_are_exact_where_counts_are_large():
    rng = np.random.default_rng(0)
    labels, scores = rng.integers(0, 2, (3000, 1)), rng.normal(size=(3000, 1))
    counts = rng.integers(0, 50, (3000, 1)).astype(np.float32)
    present = labels[:, 0] > 0
    weights = np.outer(counts[present], counts[~present]).astype(float)
    above = scores[present] > scores[~present].T
    expected = (weights * above).sum() / weights.sum()
    assert ranking(labels, scores, counts)[0][0, 0] == pytest.approx(expected, abs=1e-12)


def test_the_first_resample_is_the_data_and_the_others_draw_whole_patients():
    patients = np.array(["b", "a", "b", "c", "a", "b"])
    counts = resamples(patients)
    assert counts.shape == (6, 1 + RESAMPLES)
    assert (counts[:, 0] == 1).all()
    for name in "abc":
        own = counts[patients == name]
        assert (own == own[0]).all()
    assert (counts[[0, 1, 3], 1:].sum(axis=0) == 3).all()
    assert counts[:, 1:].mean() == pytest.approx(1, abs=0.05)
    assert np.array_equal(counts, resamples(patients))


def width(values):
    low, high = interval(values)
    return high - low


def test_copies_of_the_same_patients_add_no_certainty():
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 2, (80, 1))
    scores = labels + rng.normal(size=(80, 1))
    alone = ranking(labels, scores, resamples(np.arange(80)))[0][:, 0]
    four = np.tile(np.arange(80), 4)
    assert width(ranking(labels[four], scores[four], resamples(four))[0][:, 0]) == pytest.approx(
        width(alone)
    )
    as_strangers = ranking(labels[four], scores[four], resamples(np.arange(320)))[0][:, 0]
    assert width(as_strangers) == pytest.approx(width(alone) / 2, rel=0.15)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng, held = np.random.default_rng(2), 0
    truth = norm.cdf(1 / np.sqrt(2))
    counts = resamples(np.arange(120))
    for _ in range(150):
        labels = np.arange(120)[:, None] % 2
        scores = labels + rng.normal(size=(120, 1))
        low, high = interval(ranking(labels, scores, counts)[0][:, 0])
        held += low <= truth <= high
    assert 0.89 <= held / 150 <= 0.99


def test_an_interval_is_the_central_part_of_the_resamples_that_have_the_figure():
    values = np.concatenate([[7.0], np.linspace(0, 1, 1001), [np.nan, np.nan]])
    assert interval(values) == pytest.approx((0.025, 0.975))
    assert np.isnan(interval(np.array([0.5, np.nan]))).all()


def test_p_is_one_without_a_difference_and_small_where_none_is_on_the_far_side():
    assert p_value(np.zeros(1001)) == 1
    assert p_value(np.full(1001, 0.1)) == p_value(np.full(1001, -0.1)) == 2 / 1001
    assert p_value(np.concatenate([[0.1], np.full(980, 0.1), np.full(20, -0.1)])) == pytest.approx(
        2 * 21 / 1001
    )


def test_p_of_two_models_that_differ_by_chance_is_seldom_small():
    rng, small = np.random.default_rng(3), 0
    counts = resamples(np.arange(100))
    labels = np.arange(100)[:, None] % 2
    for _ in range(120):
        ours, theirs = (
            ranking(labels, labels + rng.normal(size=(100, 1)), counts)[0][:, 0] for _ in range(2)
        )
        small += p_value(ours - theirs) < 0.05
    assert small / 120 < 0.12


def test_the_macro_figure_of_a_resample_leaves_out_what_it_lacks_and_weighs():
    values = np.array([[0.5, 0.9, np.nan], [0.6, np.nan, np.nan], [np.nan] * 3])
    assert macro(values) == pytest.approx([0.7, 0.6, np.nan], nan_ok=True)
    weights = np.array([[3, 1, 9]] * 3)
    assert macro(values, weights) == pytest.approx([0.6, 0.6, np.nan], nan_ok=True)


def test_fmax_averages_precision_and_recall_over_ecgs_at_one_threshold_for_all():
    labels = np.array([[1, 0], [0, 1]])
    probability = np.array([[0.9, 0.2], [0.6, 0.3]])
    # From 0.21 to 0.3: precisions 1 and 1/2, recalls 1. Above 0.6, only the first ECG is called
    # at all: precision 1, recall 1/2. In between, the second is called wrongly: both 1/2.
    assert fmax(labels, probability, once(2)) == pytest.approx([2 * 0.75 / 1.75])
    only_second = np.array([[0.0], [1.0]])
    assert fmax(labels, probability, only_second) == pytest.approx([2 / 3])


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_fmax_of_a_resample_is_that_of_its_ecgs_written_out(seed):
    rng = np.random.default_rng(seed)
    labels, probability = rng.integers(0, 2, (12, 4)), rng.uniform(size=(12, 4))
    counts = rng.integers(0, 4, (12, 1)).astype(np.float32)
    rows = np.repeat(np.arange(12), counts[:, 0].astype(int))
    if not labels[rows].any():
        return
    expected = fmax(labels[rows], probability[rows], once(len(rows)))
    assert fmax(labels, probability, counts) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        # Newcombe, Statistics in Medicine 17 (1998) 857, table I, method 3.
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_the_interval_of_a_share_is_the_published_one(hits, of, low, high):
    assert wilson(hits, of) == pytest.approx((low, high), abs=5e-5)


def test_the_interval_of_a_share_of_nothing_is_undefined():
    assert np.isnan(wilson(0, 0)).all()


def test_brier_is_the_mean_squared_error_and_its_skill_is_against_the_prevalence():
    labels = np.array([1, 0, 0, 0])
    assert brier(labels, np.array([0.8, 0.2, 0.0, 0.4])) == pytest.approx(0.24 / 4)
    assert brier_skill(labels, np.full(4, 0.25)) == pytest.approx(0)
    assert brier_skill(labels, labels.astype(float)) == 1
    assert brier_skill(labels, 1.0 - labels) < 0
    assert np.isnan(brier_skill(np.zeros(4), np.full(4, 0.1)))


def test_ece_is_the_mean_distance_over_bins_of_equally_many():
    # Ten pairs of ECGs, one of each pair positive: every bin has a share of one half.
    probability = np.repeat(np.linspace(0.05, 0.95, 10), 2)
    labels = np.tile([0, 1], 10)
    assert ece(labels, probability) == pytest.approx(
        np.abs(np.linspace(0.05, 0.95, 10) - 0.5).mean()
    )


def test_ece_is_near_zero_for_true_probabilities_and_finds_a_rare_statement_overcalled():
    rng = np.random.default_rng(4)
    truth = rng.beta(0.2, 20, 50_000)
    labels = (rng.uniform(size=50_000) < truth).astype(float)
    assert ece(labels, truth) < 0.003
    assert ece(labels, 3 * truth) == pytest.approx(2 * truth.mean(), abs=0.003)


def test_a_reliability_curve_holds_every_pair_once_in_its_tenth():
    labels = np.array([[1, 0, 1], [0, 0, 1]])
    probability = np.array([[1.0, 0.02, 0.95], [0.04, 0.31, 0.35]])
    assert reliability(labels, probability) == {
        "predicted": pytest.approx([0.03, 0.33, 0.975]),
        "observed": pytest.approx([0, 0.5, 1]),
        "count": [2, 2, 2],
    }
