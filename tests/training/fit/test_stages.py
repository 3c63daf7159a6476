import pytest
import torch

from protoecg.network.protoecgnet import Branch
from protoecg.network.shape import BranchShape
from training.fit.config import LossWeights
from training.fit.fuse import lasso
from training.fit.loop import Data
from training.fit.stages import LASSO_SHARE, Joint

OWNERS = ("AFIB", "AFIB", "STACH")


@pytest.fixture(scope="module")
def ecgs() -> Data:
    """Noise, and labels that a few of its samples decide."""
    torch.manual_seed(0)
    x = torch.randn(60, 12, 1000)
    x[:30] += torch.sin(torch.arange(1000) / 3)
    y = torch.stack([torch.arange(60) < 30, torch.arange(60) % 3 == 0], dim=1)
    return Data(x.numpy(), y.float(), torch.device("cpu"))


@pytest.fixture
def joint(ecgs) -> Joint:
    torch.manual_seed(0)
    branch = Branch(BranchShape("strip", (8, 8), (4,), 8, OWNERS))
    return Joint(branch, LossWeights(), ecgs.y)


@pytest.mark.parametrize("part", [0.5, 1.0])
def test_a_classifier_moves_its_part_of_the_way_to_the_lasso(joint, ecgs, part):
    before = joint.solo.weight.clone(), joint.solo.bias.clone()
    joint.towards_lasso(ecgs, part)
    with torch.no_grad():
        s = joint.branch(next(ecgs.batches())).values
    ends = lasso(s, ecgs.y, joint.owned > 0, LASSO_SHARE)
    now = joint.solo.weight, joint.solo.bias
    for start, end, found in zip(before, ends, now, strict=True):
        torch.testing.assert_close(found, start + part * (end - start), atol=1e-4, rtol=1e-4)


def test_at_the_lasso_another_statements_prototype_speaks_only_against(joint, ecgs):
    joint.towards_lasso(ecgs, 1.0)
    others = joint.solo.weight[joint.owned.T == 0]
    assert others.max() <= 0
    assert joint.solo.weight.abs().max() > 0
