import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from protoecg.labels import PTBXL
from protoecg.network.protoecgnet import ProtoECGNet
from protoecg.network.shape import BranchShape
from training.fit.config import FusionConfig
from training.fit.fuse import Tried, choose, fit_all, lasso, likeness, owned_by
from training.judgement import parts


def problem(seed, n=150, p=6, c=2):
    rng = torch.Generator().manual_seed(seed)
    s = torch.rand(n, p, generator=rng) * torch.linspace(0.3, 1.0, p) - 0.2
    truth = 4 * torch.randn(p, c, generator=rng)
    logits = (s - s.mean(0)) @ truth
    y = (torch.rand(n, c, generator=rng) < torch.sigmoid(logits)).float()
    may_support = torch.rand(p, c, generator=rng) < 0.5
    may_support[0] = True
    return s, y, may_support


def standardised(s):
    return (s - s.mean(0)) / s.std(0), s.std(0)


def penalties(s, y, may_support, share):
    pull = standardised(s)[0].T @ (y - y.mean(0)) / len(s)
    return share * torch.where(may_support, pull, pull.clamp(max=0)).abs().amax(0)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_the_largest_penalty_empties_every_statement_and_leaves_its_frequency(seed):
    s, y, may_support = problem(seed)
    weight, bias = lasso(s, y, may_support, 1.0)
    assert weight.abs().max() < 1e-4
    assert torch.allclose(torch.sigmoid(bias), y.mean(0), atol=1e-3)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_a_smaller_penalty_empties_none(seed):
    s, y, may_support = problem(seed)
    weight, _ = lasso(s, y, may_support, 0.8)
    assert ((weight != 0).any(dim=1)).all()


@given(seed=st.integers(0, 10_000), share=st.sampled_from([0.3, 0.05, 0.01]))
@settings(max_examples=15, deadline=None)
def test_only_its_own_prototypes_speak_for_a_statement(seed, share):
    s, y, may_support = problem(seed)
    weight, _ = lasso(s, y, may_support, share)
    assert (weight.T[~may_support] <= 0).all()


@given(seed=st.integers(0, 10_000), share=st.sampled_from([0.5, 0.2, 0.05, 0.02]))
@settings(max_examples=20, deadline=None)
def test_no_small_step_from_the_solution_is_better(seed, share):
    """Karush-Kuhn-Tucker conditions of the signed logistic lasso."""
    s, y, may_support = problem(seed)
    weight, bias = lasso(s, y, may_support, share)
    x, scale = standardised(s)
    slope = x.T @ (torch.sigmoid(s @ weight.T + bias) - y) / len(s)
    penalty = penalties(s, y, may_support, share).expand_as(slope)
    w = weight.T * scale[:, None]
    tolerance = 2e-3
    used = w.abs() > 1e-3
    assert (slope + penalty * w.sign())[used].abs().max() < tolerance
    assert (slope >= -penalty - tolerance)[may_support].all()
    assert (slope <= penalty + tolerance).all()
    assert (torch.sigmoid(s @ weight.T + bias) - y).mean(0).abs().max() < tolerance


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_the_objective_is_as_low_as_a_general_minimiser_gets_it(share):
    from scipy.optimize import minimize

    s, y, may_support = problem(11, c=1)
    weight, bias = lasso(s, y, may_support, share)
    x = standardised(s)[0].numpy().astype(float)
    labels, p = y[:, 0].numpy(), s.shape[1]
    penalty = float(penalties(s, y, may_support, share)[0])

    def objective(parts):
        # Weights as the difference of two that are not negative.
        z = x @ (parts[:p] - parts[p : 2 * p]) + parts[-1]
        return (np.logaddexp(0, z) - labels * z).mean() + penalty * parts[:-1].sum()

    positive = [(0, None if allowed else 0) for allowed in may_support[:, 0]]
    bounds = [*positive, *[(0, None)] * p, (None, None)]
    reference = minimize(objective, np.zeros(2 * p + 1), bounds=bounds, options={"maxfun": 10**6})
    w = (weight[0] * s.std(0)).numpy()
    shift = float(bias[0] + s.mean(0) @ weight[0])
    ours = objective(np.r_[w.clip(min=0), (-w).clip(min=0), shift])
    assert ours == pytest.approx(reference.fun, abs=1e-5)


def alike(seed, n=300, c=2, each=3):
    """Similarities to `each` own prototypes of two statements and to two of nobody."""
    rng = torch.Generator().manual_seed(seed)
    s = torch.rand(n, c * each + 2, generator=rng)
    owned = torch.zeros(s.shape[1], c, dtype=torch.bool)
    for statement in range(c):
        owned[statement * each : (statement + 1) * each, statement] = True
    logits = 6 * (s @ owned.float() - 0.5 * each) - 4 * (s[:, -1:] - 0.5)
    y = (torch.rand(n, c, generator=rng) < torch.sigmoid(logits)).float()
    return s, y, owned


@given(seed=st.integers(0, 10_000), share=st.sampled_from([0.3, 0.05, 0.01]))
@settings(max_examples=15, deadline=None)
def test_all_own_prototypes_have_one_weight_and_others_speak_only_against(seed, share):
    s, y, owned = alike(seed)
    weight, _ = likeness(s, y, owned, share)
    for statement in range(2):
        own = weight[statement, owned[:, statement]]
        assert own[0] > 0 and torch.equal(own, own[:1].expand_as(own))
    assert (weight.T[~owned] <= 0).all()


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_of_two_own_prototypes_the_more_similar_one_contributes_more(seed):
    s, y, owned = alike(seed)
    weight, _ = likeness(s, y, owned, 0.05)
    parts = s * weight[0]
    own = owned[:, 0].nonzero().flatten()
    assert torch.equal(parts[:, own].argmax(dim=1), s[:, own].argmax(dim=1))


@pytest.mark.parametrize("share", [0.5, 0.05])
def test_one_weight_for_all_is_as_good_as_a_general_minimiser_finds_it(share):
    from scipy.optimize import minimize

    s, y, owned = alike(7, c=1)
    weight, bias = likeness(s, y, owned, share)
    own, others = s[:, :3].mean(dim=1), s[:, 3:]
    x = torch.cat([(own[:, None] - own.mean()) / own.std(), standardised(others)[0]], dim=1)
    labels, features = y[:, 0].numpy(), x.numpy().astype(float)
    pull = features.T @ (labels - labels.mean()) / len(labels)
    penalty = share * max(abs(pull[0]), -pull[1:].min(), 0)

    def objective(w):
        z = features @ np.r_[w[0], -w[1:3]] + w[3]
        return (np.logaddexp(0, z) - labels * z).mean() + penalty * w[1:3].sum()

    bounds = [(0, None)] * 3 + [(None, None)]
    reference = minimize(objective, np.zeros(4), bounds=bounds, options={"maxfun": 10**6})
    ours = np.r_[
        float(weight[0, :3].sum() * own.std()),
        -(weight[0, 3:] * others.std(dim=0)).numpy(),
        float(bias[0] + s.mean(dim=0) @ weight[0]),
    ]
    assert objective(ours) == pytest.approx(reference.fun, abs=1e-5)


def test_a_prototype_stands_for_its_own_statement_only():
    shapes = {
        "rhythm": BranchShape("strip", (8,), (), 8, ("SR",)),
        "morphology": BranchShape("window", (8, 8), (2,), 8, ("PVC",)),
    }
    found = owned_by(ProtoECGNet(shapes, ("SR", "PVC", "IMI")))
    assert found.tolist() == [[True, False, False], [False, True, False]]


def test_each_branch_has_its_own_columns_and_statements():
    shapes = {
        "rhythm": BranchShape("strip", (8, 8), (2,), 8, ("SR", "SR", "AFIB")),
        "morphology": BranchShape("window", (8, 8), (2,), 8, ("PVC", "IMI")),
    }
    network = ProtoECGNet(shapes, ("IMI", "SR", "PVC", "AFIB"))
    assert parts(network) == [("rhythm", [0, 1, 2], [1, 3]), ("morphology", [3, 4], [2, 0])]


@pytest.mark.parametrize(
    ("tried", "share"),
    [
        ({0.3: Tried(0.900, 2, 2), 0.1: Tried(0.930, 4, 4)}, 0.1),
        ({0.3: Tried(0.9295, 2, 2), 0.1: Tried(0.930, 4, 4)}, 0.3),
        ({0.3: Tried(0.900, 2, 2), 0.1: Tried(0.930, 7, 6)}, 0.3),
        ({0.3: Tried(0.900, 6, 6), 0.1: Tried(0.930, 9, 9)}, 0.1),
        ({0.3: Tried(0.0, 0, 0), 0.1: Tried(0.0, 0, 0)}, 0.3),
    ],
    ids=["better", "sparser", "shorter", "none is short", "nothing to validate on"],
)
def test_the_share_taken_is_the_sparsest_good_one_that_explains_shortly(tried, share):
    assert choose(tried, FusionConfig(tolerance=0.001, matches=5)) == share


def test_the_statements_of_each_branch_take_a_share_of_their_own():
    shapes = {
        "rhythm": BranchShape("strip", (4,), (), 4, ("AFIB",) * 8, "best"),
        "morphology": BranchShape("window", (4,), (), 4, ("PVC",) * 8, "best"),
    }
    network = ProtoECGNet(shapes, ["AFIB", "PVC"])
    rng = torch.Generator().manual_seed(0)
    s = torch.rand(4000, 16, generator=rng)
    # Atrial fibrillation needs others that speak against it, the premature beat its own alone.
    logits = (s - 0.5) @ torch.tensor(
        [[4.0] * 8 + [-5.0, -2, -2, -2, -2, -2, -2, -2], [0] * 8 + [4.0] * 8]
    ).T
    y = (torch.rand(logits.shape, generator=rng) < torch.sigmoid(logits)).float()
    log = []
    config = FusionConfig(shares=(0.6, 0.02), tolerance=0.005, matches=99)
    fit_all(network, [s, s], [y, y], config, lambda **line: log.append(line), PTBXL)
    for column, share in ((0, 0.02), (1, 0.6)):
        weight, bias = likeness(s, y, owned_by(network), share)
        assert torch.allclose(network.fusion.weight[column], weight[column])
        assert torch.allclose(network.fusion.bias[column], bias[column])
    assert {(line["stage"], line["branch"]) for line in log} == {
        (stage, branch) for stage in ("fusion", "solo") for branch in shapes
    }
