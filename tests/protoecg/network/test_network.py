from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from protoecg.network.backbones import StripBackbone, WindowBackbone
from protoecg.network.protoecgnet import Branch, ProtoECGNet
from protoecg.network.prototypes import PrototypeLayer, best_cells
from protoecg.network.shape import BranchShape
from training.fit.config import read_config

SHAPES = [((8, 8), (1,)), ((8, 8, 12), (2, 1)), ((64, 64, 96, 128), (1, 2, 1)), ((6, 8, 8), (1, 3))]
# About a beat; the published cells see 4.35 s.
WIDEST_S = 1.0


def window_branch(widths=(8, 8, 12), strides=(2, 1), view="window", members=1):
    torch.manual_seed(0)
    branch = Branch(BranchShape(view, widths, strides, 24, ("PVC",) * 5, members=members))
    _unsettle(branch)
    return branch.eval()


def _unsettle(module):
    """Give batch norm statistics and scales that are not the trivial ones."""
    for part in module.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.running_mean.normal_(0, 0.2)
            part.running_var.uniform_(0.5, 2)
            if part.affine:
                torch.nn.init.uniform_(part.weight, 0.5, 1.5)
                torch.nn.init.normal_(part.bias, 0, 0.2)


@pytest.mark.parametrize("view", ["window", "leads"])
@pytest.mark.parametrize(("widths", "strides"), SHAPES)
def test_a_cell_sees_exactly_its_window(widths, strides, view):
    branch = window_branch(widths, strides, view)
    x = torch.randn(1, 12, 1000, dtype=torch.float64, requires_grad=True)
    latents = branch.double().backbone(x)
    for cell in (0, 1, latents.shape[2] // 2, latents.shape[2] - 1):
        (slope,) = torch.autograd.grad(latents[0, :, cell].square().sum(), x, retain_graph=True)
        seen = torch.nonzero(slope[0].abs().sum(dim=0)).flatten()
        start, end = branch.window_samples(cell)
        assert start <= seen.min() and seen.max() < end
        # Rectifiers may close single paths at the very ends, never most of the window.
        assert seen.min() <= start + 2 and seen.max() >= end - 3


@given(cell=st.integers(0, 200), seed=st.integers(0, 1000), members=st.integers(1, 3))
@hypothesis_settings(max_examples=25, deadline=None)
def test_a_window_is_all_that_its_latent_rests_on(cell, seed, members):
    branch = window_branch(members=members)
    x = torch.randn(1, 12, 1000, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        latents = branch.backbone(x)
        cell %= latents.shape[2]
        start, end = branch.window_samples(cell)
        other = 50 * torch.randn(1, 12, 1000)
        other[..., start:end] = x[..., start:end]
        again = branch.backbone(other)[0, :, cell]
        alone = branch.backbone(x[..., start:end])[0, :, 0]
    assert torch.allclose(again, latents[0, :, cell], rtol=1e-4, atol=1e-5)
    assert torch.allclose(alone, latents[0, :, cell], rtol=1e-4, atol=1e-5)


def test_a_latent_does_depend_on_its_window():
    branch = window_branch()
    x = torch.randn(1, 12, 1000)
    start, end = branch.window_samples(7)
    other = x.clone()
    other[..., start:end] = torch.randn(1, 12, end - start)
    with torch.no_grad():
        assert not torch.allclose(
            branch.backbone(x)[0, :, 7], branch.backbone(other)[0, :, 7], rtol=1e-2
        )


@pytest.mark.parametrize(("widths", "strides"), SHAPES)
def test_every_window_lies_inside_the_strip(widths, strides):
    branch = window_branch(widths, strides)
    with torch.no_grad():
        cells = branch.backbone(torch.zeros(1, 12, 1000)).shape[2]
    windows = [branch.window_samples(cell) for cell in range(cells)]
    assert windows[0][0] == 0
    assert all(0 <= start < end <= 1000 for start, end in windows)
    # No further window would have fitted.
    assert cells * branch.backbone.stride + branch.backbone.window > 1000


def test_seconds_are_samples_at_100_hz():
    branch = window_branch()
    start, end = branch.window_samples(9)
    assert branch.window_s(9) == (start / 100, end / 100)


def test_a_strip_is_shown_whole():
    branch = Branch(BranchShape("strip", (8, 8), (2,), 16, ("SR",)))
    assert branch.window_s(0) == (0.0, 10.0)
    assert branch.backbone(torch.randn(2, 12, 1000)).shape == (2, 16, 1)


def test_a_strip_depends_on_every_second_of_it():
    torch.manual_seed(1)
    backbone = StripBackbone((8, 8), (2,), 16).eval()
    x = torch.randn(1, 12, 1000, requires_grad=True)
    (slope,) = torch.autograd.grad(backbone(x).square().sum(), x)
    assert (slope[0].abs().sum(dim=0).reshape(10, 100).sum(dim=1) > 0).all()


@pytest.mark.parametrize("kind", [WindowBackbone, StripBackbone])
def test_no_multiplication_is_wasted_on_padding_of_the_height(kind):
    heights = {
        part.kernel_size[0]
        for part in kind((8, 8, 8), (1, 2), 16).modules()
        if isinstance(part, torch.nn.Conv2d)
    }
    assert heights == {1}


def test_the_windows_of_the_ptbxl_settings_are_about_a_beat_wide():
    path = Path(__file__).parents[3] / "training" / "configs" / "ptbxl.toml"
    settings = read_config(path).branches["morphology"]
    backbone = WindowBackbone(settings.widths, settings.strides, settings.latent)
    assert backbone.window / 100 <= WIDEST_S


@given(
    seed=st.integers(0, 10_000),
    scale=st.sampled_from([0.0, 1e-30, 1e-3, 1.0, 1e4, 1e15]),
    cells=st.integers(1, 20),
)
@hypothesis_settings(max_examples=60, deadline=None)
def test_similarities_lie_between_minus_one_and_one(seed, scale, cells):
    draw = torch.Generator().manual_seed(seed)
    latents = scale * torch.randn(3, 8, cells, generator=draw)
    seen = best_cells(latents, torch.randn(4, 8, generator=draw))
    assert seen.values.abs().max() <= 1 + 1e-6
    assert not seen.values.isnan().any()
    assert ((seen.cells >= 0) & (seen.cells < cells)).all()


@given(seed=st.integers(0, 10_000), size=st.floats(0.01, 100))
@hypothesis_settings(max_examples=40, deadline=None)
def test_a_prototype_finds_itself_whatever_its_size(seed, size):
    draw = torch.Generator().manual_seed(seed)
    latents = torch.randn(2, 8, 30, generator=draw)
    vectors = torch.randn(5, 8, generator=draw)
    places = torch.randint(30, (2, 5), generator=draw)
    places[1] = torch.randperm(30, generator=draw)[:5]
    for p in range(5):
        latents[1, :, places[1, p]] = size * vectors[p]
    seen = best_cells(latents, vectors)
    assert torch.equal(seen.cells[1], places[1])
    assert torch.allclose(seen.values[1], torch.ones(5), atol=1e-5)


def test_a_planted_window_is_found_in_the_strip():
    branch = window_branch()
    rng = torch.Generator().manual_seed(2)
    pattern = torch.randn(1, 12, branch.backbone.window, generator=rng)
    cell = 11
    start, end = branch.window_samples(cell)
    x = 0.1 * torch.randn(1, 12, 1000, generator=rng)
    x[..., start:end] = pattern
    with torch.no_grad():
        branch.prototypes.vectors[3] = branch.backbone(pattern)[0, :, 0]
        seen = branch(x)
    assert seen.cells[0, 3] == cell
    assert seen.values[0, 3] > 0.9999


def test_the_network_is_the_sum_of_its_branches():
    torch.manual_seed(0)
    shapes = {
        "rhythm": BranchShape("strip", (8, 8), (2,), 8, ("SR", "SR", "AFIB")),
        "morphology": BranchShape("window", (8, 8), (2,), 8, ("PVC", "IMI")),
    }
    network = ProtoECGNet(shapes, ("SR", "AFIB", "PVC", "IMI")).eval()
    x = torch.randn(4, 12, 1000)
    with torch.no_grad():
        output = network(x)
        parts = [network.branches[name](x) for name in shapes]
    assert output.similarities.shape == output.cells.shape == (4, 5)
    assert torch.equal(output.similarities, torch.cat([p.values for p in parts], dim=1))
    assert torch.equal(output.cells, torch.cat([p.cells for p in parts], dim=1))
    expected = output.similarities @ network.fusion.weight.T + network.fusion.bias
    assert torch.allclose(output.logits, expected, atol=1e-6)


@pytest.mark.parametrize("view", ["strip", "leads"])
def test_nothing_speaks_by_being_unlike_where_a_branch_is_not_signed(view):
    torch.manual_seed(0)
    signed = BranchShape(view, (8, 8), (2,), 24, ("SR", "SR", "AFIB", "AFIB"))
    networks = [
        ProtoECGNet({"rhythm": shape}, ("SR", "AFIB")).eval()
        for shape in (signed, replace(signed, signed=False))
    ]
    _unsettle(networks[0])
    networks[1].load_state_dict(networks[0].state_dict())
    x = torch.randn(8, 12, 1000)
    with torch.no_grad():
        cosines, cut = (network(x) for network in networks)
    assert (cosines.similarities < 0).any() and (cosines.similarities > 0).any()
    assert torch.equal(cut.similarities, cosines.similarities.clamp(min=0))
    assert torch.equal(cut.cells, cosines.cells)
    with torch.no_grad():
        assert torch.equal(cut.logits, networks[1].fusion(cut.similarities))


def test_an_ecg_is_judged_alike_alone_and_in_a_batch():
    branch = window_branch()
    x = torch.randn(5, 12, 1000)
    with torch.no_grad():
        together = branch(x).values
        alone = torch.cat([branch(one[None]).values for one in x])
    assert np.allclose(together, alone, atol=1e-5)


def test_the_published_rule_reports_the_mean_and_shows_the_best():
    latents, vectors = torch.randn(3, 8, 7), torch.randn(4, 8)
    best = PrototypeLayer(4, 8).compare(latents, vectors)
    mean = PrototypeLayer(4, 8, "mean").compare(latents, vectors)
    each = torch.stack([best_cells(latents[..., [i]], vectors).values for i in range(7)])
    assert torch.allclose(mean.values, each.mean(dim=0), atol=1e-6)
    assert torch.equal(mean.cells, best.cells)


def test_a_wide_branch_shows_a_second_and_sees_four():
    torch.manual_seed(0)
    branch = Branch(BranchShape("wide", (8, 8, 8, 8, 8), (2, 2, 2, 2), 8, ("PVC",))).eval()
    start, end = branch.window_samples(10)
    assert end - start == 96
    x = torch.randn(1, 12, 1000)
    outside = x.clone()
    outside[..., :start] = 0
    outside[..., end:] = 0
    with torch.no_grad():
        seen, cut = branch.backbone(x)[..., 10], branch.backbone(outside)[..., 10]
    assert not torch.allclose(seen, cut, rtol=1e-2)
    assert branch.input_samples(10) == (0, 1000)


def test_every_cell_of_a_wide_branch_is_shown_within_the_strip():
    branch = Branch(BranchShape("wide", (8, 8, 8, 8, 8), (2, 2, 2, 2), 8, ("PVC",)))
    cells = branch.backbone(torch.randn(2, 12, 1000)).shape[2]
    assert 0 <= branch.window_samples(0)[0] and branch.window_samples(cells - 1)[1] <= 1000


def test_a_latent_read_lead_by_lead_holds_of_each_lead_what_that_lead_alone_says():
    torch.manual_seed(0)
    branch = Branch(BranchShape("leads", (8, 8, 12), (2, 1), 24, ("PVC",))).eval()
    _unsettle(branch)
    x = torch.randn(1, 12, 1000, requires_grad=True)
    latents = branch.backbone(x)
    assert latents.shape[1] == 24
    for lead in range(12):
        own = latents[0, 2 * lead : 2 * lead + 2].square().sum()
        (slope,) = torch.autograd.grad(own, x, retain_graph=True)
        assert torch.nonzero(slope[0].abs().sum(dim=1)).flatten().tolist() == [lead]

    with pytest.raises(ValueError, match="multiple of 12"):
        Branch(BranchShape("leads", (8, 8, 12), (2, 1), 16, ("PVC",)))


@pytest.mark.parametrize("view", ["window", "leads", "strip", "wide"])
def test_a_cosine_of_an_ensemble_is_the_mean_of_its_members_cosines(view):
    torch.manual_seed(0)
    shape = BranchShape(view, (8, 8, 8, 8, 8), (2, 2, 2, 2), 24, ("PVC",) * 5, members=2)
    branch = Branch(shape)
    for part in branch.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.momentum = None
    # One batch centres the latents; before, all cosines are next to one.
    branch.backbone(torch.randn(32, 12, 1000))
    branch.eval()
    prototypes, x = torch.randn(5, 12, 1000), torch.randn(3, 12, 1000)
    with torch.no_grad():
        branch.prototypes.vectors.copy_(branch.backbone(prototypes)[:, :, 0])
        seen = branch(x)
        cosines = [
            torch.cosine_similarity(member(x)[:, None], member(prototypes)[None, :, :, :1], dim=2)
            for member in branch.backbone.members
        ]
    mean, cells = torch.stack(cosines).mean(dim=0).max(dim=2)
    assert not torch.allclose(cosines[0], cosines[1], atol=0.01)
    assert torch.allclose(seen.values, mean, atol=1e-6)
    assert torch.equal(seen.cells, cells)


@pytest.mark.parametrize("view", ["window", "leads", "strip", "wide"])
def test_no_convolution_of_one_sample_skips_samples(view):
    # Backwards in bfloat16 it would write beyond its memory; see `Residual`.
    branch = Branch(BranchShape(view, (8, 8, 8, 8, 8), (2, 2, 2, 2), 12, ("PVC",)))
    convolutions = [m for m in branch.modules() if isinstance(m, torch.nn.Conv2d)]
    assert convolutions
    assert all(m.stride == (1, 1) for m in convolutions if m.kernel_size == (1, 1))


@pytest.mark.parametrize("members", [1, 2])
def test_the_parts_of_the_leads_add_up_to_the_similarity(members):
    branch = window_branch(view="leads", members=members)
    x = torch.randn(3, 12, 1000)
    with torch.no_grad():
        seen = branch(x)
        parts = branch.lead_parts(x, seen.cells)
    assert branch.splits_by_lead and parts.shape == (3, 5, 12)
    assert torch.allclose(parts.sum(dim=2), seen.values, atol=1e-6)
    assert parts.abs().amax(dim=2).min() > 0.01

    branch.shape = replace(branch.shape, signed=False)
    with torch.no_grad():
        branch.prototypes.vectors[0] *= -1
        cells = torch.zeros_like(seen.cells)
        apart = branch.prototypes.parts(branch.backbone(x), cells, 1).squeeze(2)
        parts = branch.lead_parts(x, cells)
    assert (apart < 0).any() and (apart > 0).any()
    assert torch.allclose(parts.sum(dim=2), apart.clamp(min=0), atol=1e-6)
    assert not parts[apart < 0].any()


def test_a_lead_that_changes_moves_the_balance_of_the_others_by_one_factor():
    """No lead is read together with another: only the length of the whole latent is shared."""
    branch = window_branch(view="leads").double()
    x = torch.randn(1, 12, branch.backbone.window, dtype=torch.float64)
    other = x.clone()
    other[:, 5] = torch.randn_like(other[:, 5])
    cells = torch.zeros(1, 5, dtype=torch.long)
    with torch.no_grad():
        ratios = branch.lead_parts(other, cells) / branch.lead_parts(x, cells)
    kept = [lead for lead in range(12) if lead != 5]
    assert torch.allclose(ratios[..., kept], ratios[..., :1].expand(1, 5, 11), rtol=1e-3)
    assert not torch.allclose(ratios[..., 5], ratios[..., 0], rtol=1e-1)


def test_parts_are_stretches_of_a_latent_in_their_order():
    layer = PrototypeLayer(1, 4)
    layer.vectors.data = torch.tensor([[3.0, 0.0, 0.0, 4.0]])
    latents = torch.tensor([[[0.0, 1.0], [0.0, 1.0], [9.0, 1.0], [0.0, 1.0]]])
    parts = layer.parts(latents, torch.tensor([[1]]), 2)
    assert torch.allclose(parts, torch.tensor([[[0.3, 0.4]]]))


@pytest.mark.parametrize(("view", "pooling"), [("window", "best"), ("leads", "mean")])
def test_no_other_branch_claims_to_split_by_lead(view, pooling):
    assert not Branch(BranchShape(view, (8, 8), (1,), 24, ("PVC",), pooling)).splits_by_lead


def test_the_columns_of_the_branches_are_side_by_side_and_their_owners_are_the_prototypes():
    rhythm = BranchShape("strip", (8, 8), (4,), 8, ("AFIB", "SR", "SR"))
    morphology = BranchShape("window", (8, 8), (2,), 8, ("PVC", "NORM"))
    network = ProtoECGNet({"rhythm": rhythm, "morphology": morphology}, ["AFIB", "PVC"]).eval()
    x = torch.randn(1, 12, 1000)
    seen = network(x).similarities
    for name, branch in network.branches.items():
        own = network.columns(name)
        assert torch.equal(seen[:, own], branch.similarities(x).values)
        owners = [network.owners[column] for column in own]
        assert owners == [(name, code) for code in branch.shape.owners]
    assert network.columns("rhythm") == range(0, 3) and network.columns("morphology") == range(3, 5)
    assert rhythm.statements == ("AFIB", "SR")
