import numpy as np
import pandas as pd
import pytest
import torch

from protoecg.network.protoecgnet import Branch
from protoecg.network.shape import BranchShape
from training.data import ptbxl
from training.data.reports import contradicts
from training.fit import choice
from training.fit.choice import RULES, broken, candidates, choose, contradict
from training.fit.loop import Data
from training.fit.nearest import in_memory

CONTRADICTS, SAYS_OTHERWISE, NO_HUMAN, UNLIKELY, NOISY, CROWDED = RULES


def ecg(*codes, likelihoods=None, validated=True, noise=(), patient="1", report=""):
    return {
        "codes": codes,
        "scp": codes,
        "findings": tuple(set(codes) - ptbxl.NO_FINDING),
        "likelihoods": likelihoods or {},
        "validated": validated,
        "noise": noise,
        "patient": patient,
        "report": report,
    }


@pytest.mark.parametrize(
    ("codes", "contradictory"),
    [
        (("AFIB", "1AVB"), True),
        (("AFIB", "SR"), True),
        (("CLBBB", "CRBBB"), True),
        (("NORM", "IMI"), True),
        (("NORM", "SR"), False),
        (("NORM", "SR", "STE_"), False),
        (("3AVB", "SR"), False),
        (("CLBBB", "1AVB", "SR"), False),
    ],
)
def test_statements_contradict_where_one_ecg_cannot_have_both(codes, contradictory):
    assert contradict(codes) is contradictory


@pytest.mark.parametrize(
    ("found", "rules"),
    [
        (ecg("IMI", "SR"), ()),
        (ecg("IMI", "SR", validated=None), ()),
        (ecg("IMI", "SR", "LVH"), ()),
        (ecg("IMI", "SR", "LVH", "NDT"), (CROWDED,)),
        (ecg("IMI", likelihoods={"IMI": 50.0}), (UNLIKELY,)),
        (ecg("IMI", likelihoods={"IMI": 80.0, "LVH": 15.0}), ()),
        (ecg("IMI", noise=("burst noise: V4",)), (NOISY,)),
        (ecg("IMI", validated=False), (NO_HUMAN,)),
        (ecg("IMI", "NORM", validated=False), (CONTRADICTS, NO_HUMAN)),
        (ecg("IMI", "AFIB", report="atrial fibrillation"), ()),
    ],
)
def test_it_is_said_what_speaks_against_an_ecg_as_a_prototype(found, rules):
    assert broken(pd.Series(found), "IMI") == rules


REPORTS = [
    ("1AVB", "lagetyp normal av-dissoziation mÖglich", True),
    ("1AVB", "complete AV dissociation is present", True),
    ("1AVB", "beschleunigter av-rhythmus lagetyp normal", True),
    ("1AVB", "av-block iii. grades", True),
    ("1AVB", "vorhofflimmern", True),
    ("1AVB", "sinusrhythmus a-v block i lagetyp normal", False),
    ("1AVB", "sinus rhythm. no av dissociation.", False),
    ("1AVB", "sinusrhythmus av-block 1. grades, kein vorhofflimmern mehr", False),
    ("1AVB", "sinusrhythmus av-block ii. grades edit: 1avb 100", False),
    ("SR", "nodal rytm", True),
    ("SR", "sinus rhythm. compared with 1991, rhythm was previously atrial fibrillation", False),
    ("3AVB", "dropped beats due to second degree av block of wenckebach type", True),
    ("SR", "sinus rhythm. premature ventricular contraction(s).", False),
    ("AFIB", "sinusrytm", True),
    ("3AVB", "complete av dissociation", False),
    ("IMI", "vorhofflimmern", False),
]


@pytest.mark.parametrize(("code", "report", "against"), REPORTS)
def test_a_report_speaks_against_a_statement_unless_it_denies_it(code, report, against):
    assert contradicts(report, code) is against
    assert (SAYS_OTHERWISE in broken(pd.Series(ecg(code, report=report)), code)) is against


def test_rules_are_set_aside_only_where_too_few_patients_keep_them():
    table = pd.DataFrame(
        [
            ecg("IMI", patient="1"),
            ecg("IMI", patient="2", noise=("burst noise: V4",)),
            ecg("IMI", patient="3", validated=False),
            ecg("IMI", "NORM", patient="4"),
            ecg("SR", patient="5"),
        ]
    )
    trusted = np.zeros(5, dtype=bool)
    for needed, rows in ((1, {0}), (2, {0, 1}), (3, {0, 1, 2}), (4, {0, 1, 2, 3})):
        assert set(candidates(table, "IMI", trusted, needed)) == rows
    suspect = np.arange(5) == 0
    assert set(candidates(table, "IMI", suspect, 1)) == {1}


@pytest.fixture(scope="module")
def simulated(simulated_root):
    dataset = ptbxl.load(simulated_root)
    x = np.stack([b.numpy() for b in torch.cat(list(ptbxl.batches(dataset, "")))])
    return dataset, Data(x, torch.from_numpy(dataset.labels(("SR", "AFIB"))), torch.device("cpu"))


def test_each_prototype_gets_a_window_with_a_beat_of_another_patient(simulated):
    torch.manual_seed(0)
    dataset, data = simulated
    shape = BranchShape("window", (8, 8, 8), (2, 1), 8, ("SR", "SR", "AFIB", "AFIB", "AFIB"))
    branch = Branch(shape).eval()
    none = dict.fromkeys(("SR", "AFIB"), np.zeros(len(dataset.table), dtype=bool))
    sources = choose(branch, dataset, in_memory(data), none)
    for owner, (row, cell) in zip(shape.owners, sources, strict=True):
        assert owner in dataset.table["codes"][row]
        at = choice.find_beats(ptbxl.read_record(dataset.root, dataset.table["record"][row])).at
        start, end = branch.window_s(cell)
        assert ((at / choice.RATE > start) & (at / choice.RATE < end)).any()
    for own in (sources[:2], sources[2:]):
        assert len({dataset.table["patient"][row] for row, _ in own}) == len(own)


def test_of_the_sure_ecgs_the_one_most_like_the_prototype_is_taken(simulated):
    torch.manual_seed(1)
    dataset, data = simulated
    branch = Branch(BranchShape("strip", (8, 8), (4,), 8, ("SR",))).eval()
    trusted = np.zeros(len(dataset.table), dtype=bool)
    rows = candidates(dataset.table, "SR", trusted, 1)
    with torch.no_grad():
        seen = branch(torch.from_numpy(data.x[rows])).values[:, 0]
    ((row, _),) = choose(branch, dataset, in_memory(data), {"SR": trusted})
    assert row == rows[int(seen.argmax())]
    assert choose(branch, dataset, in_memory(data), {"SR": trusted}, statements=()) == []
    doubted = np.arange(len(dataset.table)) == row
    ((other, _),) = choose(branch, dataset, in_memory(data), {"SR": doubted})
    assert other != row
