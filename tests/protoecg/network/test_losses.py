import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from protoecg.network import losses

OWNED = torch.tensor([[1.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]])


def similarities(seed, n=6, p=4):
    return torch.rand(n, p, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def labels(seed, n=6, c=3):
    return (torch.rand(n, c, generator=torch.Generator().manual_seed(seed)) < 0.4).float()


def test_clustering_is_minus_the_mean_of_each_present_class_best_similarity():
    s = torch.tensor([[0.1, 0.5, -0.2, 0.9], [0.3, -0.7, 0.4, 0.8]])
    y = torch.tensor([[1.0, 0, 1], [0, 1, 0]])
    assert losses.clustering(s, y, OWNED).item() == pytest.approx(-(0.5 + 0.9 + 0.4) / 3)


def test_clustering_without_any_class_is_zero():
    assert losses.clustering(similarities(0), torch.zeros(6, 3), OWNED) == 0


def test_clustering_leaves_out_classes_without_prototypes():
    owned = torch.cat([OWNED, torch.zeros(4, 1)], dim=1)
    y = torch.tensor([[1.0, 0, 0, 1]])
    s = torch.tensor([[0.2, 0.6, 0.0, 0.0]])
    assert losses.clustering(s, y, owned).item() == pytest.approx(-0.6)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_clustering_never_touches_prototypes_of_absent_classes(seed):
    s, y = similarities(seed).requires_grad_(), labels(seed)
    losses.clustering(s, y, OWNED).backward()
    absent = (y @ OWNED.T) == 0
    assert (s.grad[absent] == 0).all()
    assert (s.grad <= 0).all()


def test_separation_is_the_mean_best_similarity_to_an_absent_class():
    s = torch.tensor([[0.9, 0.5, -0.2, 0.1], [0.3, 0.7, 0.4, 0.8]])
    y = torch.tensor([[1.0, 0, 0], [0, 0, 1]])
    assert losses.separation(s, y, OWNED).item() == pytest.approx((0.1 + 0.7) / 2)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_separation_never_touches_prototypes_of_present_classes(seed):
    s, y = similarities(seed).requires_grad_(), labels(seed)
    losses.separation(s, y, OWNED).backward()
    present = (y @ OWNED.T) > 0
    assert (s.grad[present] == 0).all()
    absent_somewhere = (~present).any(dim=1)
    assert (s.grad[absent_somewhere].sum(dim=1) > 0).all()


def test_diversity_is_zero_for_orthonormal_vectors():
    vectors = torch.linalg.qr(torch.randn(8, 8))[0]
    assert losses.diversity(vectors).item() == pytest.approx(0, abs=1e-10)
    assert losses.diversity(5 * vectors).item() == pytest.approx(0, abs=1e-10)


def test_diversity_of_one_vector_repeated_is_the_share_of_pairs():
    assert losses.diversity(torch.ones(4, 3)).item() == pytest.approx((16 - 4) / 16)


def test_diversity_by_hand():
    half = torch.tensor([[1.0, 0.0], [0.5, math.sqrt(0.75)]])
    assert losses.diversity(half).item() == pytest.approx(2 * 0.25 / 4)


def test_contrastive_by_hand():
    vectors = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
    co_occurrence = torch.tensor([[1.0, 0.5, 0.0], [0.5, 1.0, 0.1], [0.0, 0.1, 1.0]])
    attraction = (0.6 * 0.5 + 0.0 * 0.0 + 0.8 * 0.1) / 0.6
    repulsion = (0.6 * 0.5 + 0.0 * 1.0 + 0.8 * 0.9) / 2.4
    expected = -(attraction - repulsion) / math.sqrt(3)
    found = losses.contrastive(vectors, torch.eye(3), co_occurrence)
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_contrastive_ignores_pairs_of_one_class():
    co_occurrence = torch.tensor([[1.0, 0.5, 0.1], [0.5, 1.0, 0.0], [0.1, 0.0, 1.0]])
    axes = torch.eye(5)[:4]
    apart = losses.contrastive(axes, OWNED, co_occurrence)
    # Only the angle between the two prototypes of the first class differs.
    turned = axes.clone()
    turned[1] = torch.tensor([0.6, 0.8, 0.0, 0.0, 0.0])
    assert torch.allclose(apart, losses.contrastive(turned, OWNED, co_occurrence))
    # The angle to a prototype of a class that comes along does count, and is wanted.
    turned = axes.clone()
    turned[2] = torch.tensor([0.0, 0.6, 0.0, 0.0, 0.8])
    assert losses.contrastive(turned, OWNED, co_occurrence) < apart - 0.01


def test_contrastive_of_a_single_class_is_zero():
    vectors = torch.randn(3, 4)
    assert losses.contrastive(vectors, torch.ones(3, 1), torch.ones(1, 1)) == 0


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_jaccard_is_intersection_over_union(seed):
    y = labels(seed, n=9)
    found = losses.jaccard(y)
    sets = [set(torch.nonzero(column).flatten().tolist()) for column in y.T]
    for i, a in enumerate(sets):
        for j, b in enumerate(sets):
            expected = len(a & b) / len(a | b) if a | b else 0.0
            assert found[i, j].item() == pytest.approx(expected)
