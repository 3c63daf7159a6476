import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.metrics import auroc, macro_auroc


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
