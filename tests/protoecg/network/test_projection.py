from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from protoecg.network.projection import assign, best_windows, crop, embed, one_per_patient
from protoecg.network.protoecgnet import Branch
from protoecg.network.shape import BranchShape

OWNERS = ("PVC", "PVC", "PVC", "IMI", "IMI")
OWNED = torch.tensor([[1.0, 0]] * 3 + [[0.0, 1]] * 2)


def training_set(seed, n=24):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 12, 1000)).astype(np.float32)
    y = torch.from_numpy((rng.uniform(size=(n, 2)) < 0.6).astype(np.float32))
    y[:12] = 1.0
    patients = np.array([f"p{i // 2}" for i in range(n)])
    return x, y, patients


def branch(view="window", seed=0):
    torch.manual_seed(seed)
    return Branch(BranchShape(view, (8, 8, 8), (2, 1), 8, OWNERS)).eval()


def batches(x):
    return [torch.from_numpy(part) for part in np.array_split(x, 5)]


def project(branch, batches, *wanted):
    """Return what each prototype is put onto."""
    return assign(best_windows(branch, batches), *wanted)


@pytest.mark.parametrize("view", ["window", "strip"])
@pytest.mark.parametrize("seed", range(3))
def test_no_patient_gives_two_prototypes_of_a_statement(view, seed):
    x, y, patients = training_set(seed)
    sources = project(branch(view, seed), batches(x), OWNED, y, patients)
    for statement in range(2):
        mine = [s for s, owned in zip(sources, OWNED, strict=True) if owned[statement]]
        assert all(y[source.row, statement] == 1 for source in mine)
        assert len({patients[source.row] for source in mine}) == len(mine)


@pytest.mark.parametrize("view", ["window", "strip"])
def test_a_projected_prototype_is_the_latent_of_its_own_window(view):
    x, y, patients = training_set(4)
    net = branch(view)
    sources = project(net, batches(x), OWNED, y, patients)
    embed(net, crop(net, x, sources))
    with torch.no_grad():
        seen = net(torch.from_numpy(x[[s.row for s in sources]]))
    own = seen.values.diagonal()
    assert (own > 0.9999).all()
    assert [s.cell for s in sources] == seen.cells.diagonal().tolist()


def test_projection_does_not_lean_on_the_size_of_batches():
    x, y, patients = training_set(5)
    whole = project(branch(), [torch.from_numpy(x)], OWNED, y, patients)
    parts = project(branch(), [torch.from_numpy(one[None]) for one in x], OWNED, y, patients)
    assert whole == parts


def test_projection_freezes_batch_statistics():
    x, y, patients = training_set(6)
    net = branch().train()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    project(net, batches(x), OWNED, y, patients)
    assert not net.training
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())


def test_each_prototype_takes_its_very_best_window_where_nobody_else_wants_it():
    x, y, patients = training_set(7)
    net = branch()
    with torch.no_grad():
        for p, row in enumerate((0, 4, 8, 2, 6)):
            net.prototypes.vectors[p] = net.backbone(torch.from_numpy(x[row][None]))[0, :, 5]
    assert project(net, batches(x), OWNED, y, patients) == [
        (0, 5), (4, 5), (8, 5), (2, 5), (6, 5)
    ]  # fmt: skip


@given(seed=st.integers(0, 10_000), prototypes=st.integers(1, 3), ecgs=st.integers(3, 6))
@settings(max_examples=80, deadline=None)
def test_the_assignment_is_the_best_of_all_that_keep_patients_apart(seed, prototypes, ecgs):
    rng = np.random.default_rng(seed)
    values = rng.uniform(-1, 1, (ecgs, prototypes))
    patients = rng.permutation(np.r_[np.arange(3), rng.integers(0, 3, ecgs - 3)])
    best = max(
        sum(values[row, p] for p, row in enumerate(rows))
        for rows in product(range(ecgs), repeat=prototypes)
        if len({patients[row] for row in rows}) == prototypes
    )
    chosen = one_per_patient(values, patients)
    assert len({patients[row] for row in chosen}) == prototypes
    assert values[chosen, range(prototypes)].sum() == pytest.approx(best)


def test_too_few_patients_is_an_error_that_gives_both_counts():
    x, y, _ = training_set(8)
    two = np.array(["a", "b"] * 12)
    with pytest.raises(ValueError, match="3 prototypes of a statement that only 2 patients have"):
        project(branch(), batches(x), OWNED, y, two)


def test_what_is_cropped_is_what_the_cell_sees():
    x, y, patients = training_set(9)
    net = branch()
    sources = project(net, batches(x), OWNED, y, patients)
    windows = crop(net, x, sources).inputs
    assert windows.shape == (5, 12, net.backbone.window)
    for window, source in zip(windows, sources, strict=True):
        start, end = net.window_samples(source.cell)
        assert np.array_equal(window, x[source.row][:, start:end])
