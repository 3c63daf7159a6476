import json
import os
import shutil
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from protoecg.bundle import load_bundle, save_bundle
from protoecg.explain import explain
from protoecg.network.projection import Anchors, embed
from protoecg.prototypes.manifest import VERSION, BundleError
from protoecg.prototypes.waveforms import Waveforms, WaveformUnavailable
from protoecg.signals import model_input
from protoecg.simulate import CODES, simulate

MODELS = Path(__file__).resolve().parents[2] / "models"
FILES = ("bundle.json", "prototypes.json", "weights.safetensors")
MAX_BYTES = 25_000_000


@pytest.fixture
def copy(tiny_bundle, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(tiny_bundle.path, folder)
    return folder


def rewrite(folder, change, file="bundle.json"):
    """Change a JSON file as a forger would: with checksums that fit."""
    content = json.loads((folder / file).read_text())
    change(content)
    (folder / file).write_text(json.dumps(content))
    if file != "bundle.json":
        digest = sha256((folder / file).read_bytes()).hexdigest()
        rewrite(folder, lambda head: head["sha256"].update({file: digest}))


def test_a_bundle_comes_back_as_it_was_written(tiny_bundle, tmp_path):
    again = save_bundle(
        tmp_path / "again",
        name=tiny_bundle.name,
        simulated=tiny_bundle.simulated,
        network=tiny_bundle.network,
        prototypes=tiny_bundle.prototypes,
        decisions=tiny_bundle.decisions,
        about=tiny_bundle.about,
    )
    assert again.prototypes == tiny_bundle.prototypes
    assert again.decisions == tiny_bundle.decisions
    assert again.about == tiny_bundle.about
    assert again.statements == tiny_bundle.statements
    assert again.fingerprint == tiny_bundle.fingerprint
    old, new = tiny_bundle.network.state_dict(), again.network.state_dict()
    assert old.keys() == new.keys()
    assert all(torch.equal(old[key], new[key]) for key in old)
    assert not again.network.training


def test_another_user_may_read_all_of_a_bundle(tiny_bundle):
    files = filter(Path.is_file, tiny_bundle.path.rglob("*"))
    modes = {file.name: file.stat().st_mode & 0o777 for file in files}
    assert {name: mode for name, mode in modes.items() if mode != 0o644} == {}


def test_other_prototypes_have_another_fingerprint(tiny_bundle, copy):
    rewrite(copy, lambda prototypes: prototypes[0].update(patient="another"), "prototypes.json")
    assert load_bundle(copy).fingerprint != tiny_bundle.fingerprint


@pytest.mark.parametrize("file", FILES[1:])
@pytest.mark.parametrize("place", [0.0, 0.3, 0.999])
def test_one_flipped_bit_is_damage(copy, file, place):
    content = bytearray((copy / file).read_bytes())
    content[int(place * len(content))] ^= 1
    (copy / file).write_bytes(content)
    with pytest.raises(BundleError, match=f"{file} is damaged"):
        load_bundle(copy)


def test_a_damaged_head_is_damage(copy):
    content = bytearray((copy / "bundle.json").read_bytes())
    content[0] ^= 1
    (copy / "bundle.json").write_bytes(content)
    with pytest.raises(BundleError, match=r"bundle\.json is damaged"):
        load_bundle(copy)


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("kept", [0, 0.5])
def test_a_bundle_cut_short_does_not_load(copy, file, kept):
    content = (copy / file).read_bytes()
    (copy / file).write_bytes(content[: int(kept * len(content))])
    with pytest.raises(BundleError, match="damaged"):
        load_bundle(copy)


def test_a_file_larger_than_any_of_a_bundle_is_not_read(copy):
    """It has holes, so that it takes no room on the disk."""
    os.truncate(copy / "weights.safetensors", 200 * 2**30)
    began = time.monotonic()

    with pytest.raises(BundleError, match="larger than any file of a bundle"):
        load_bundle(copy)

    assert time.monotonic() - began < 5


@pytest.mark.parametrize("part", ["curations", "recalibrations"])
def test_what_was_changed_is_read_before_a_page_shows_it(copy, part):
    rewrite(copy, lambda head: head["about"].update({part: 5}))
    with pytest.raises(BundleError, match="cannot be read|not a bundle that this version can use"):
        load_bundle(copy)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_network_with_weights_that_are_no_numbers_does_not_load(copy, value):
    file = copy / "weights.safetensors"
    weights = load_file(file)
    spoiled = next(name for name in weights if name.endswith("weight"))
    weights[spoiled].flat[0] = value
    save_file(weights, file)
    digest = sha256(file.read_bytes()).hexdigest()
    rewrite(copy, lambda head: head["sha256"].update({file.name: digest}))

    with pytest.raises(BundleError, match="weights that are no numbers"):
        load_bundle(copy)


@pytest.mark.parametrize(
    ("file", "words"), list(zip(FILES, ["no bundle", "is missing", "is missing"], strict=True))
)
def test_a_missing_file_is_named(copy, file, words):
    (copy / file).unlink()
    with pytest.raises(BundleError, match=words) as error:
        load_bundle(copy)
    assert file in str(error.value)


def test_a_folder_that_is_not_there_is_no_bundle(tmp_path):
    with pytest.raises(BundleError, match="no bundle"):
        load_bundle(tmp_path / "nowhere")


def test_a_newer_bundle_asks_for_an_update(copy):
    rewrite(copy, lambda head: head.update(version=VERSION + 1))
    with pytest.raises(BundleError, match=rf"bundle format {VERSION + 1}.*Update ProtoECG"):
        load_bundle(copy)


def test_a_bundle_from_before_there_was_a_choice_is_signed(copy):
    def before(head):
        head["version"] = 3
        for shape in head["branches"].values():
            del shape["signed"]

    rewrite(copy, before)
    assert all(b.shape.signed for b in load_bundle(copy).network.branches.values())


@pytest.mark.parametrize("version", [None, "1", 1.5])
def test_a_version_that_is_no_number_is_refused(copy, version):
    rewrite(copy, lambda head: head.update(version=version))
    with pytest.raises(BundleError, match="bundle format"):
        load_bundle(copy)


@pytest.mark.parametrize("content", ["{}", "[]", "3", '{"format": "other"}', "null"])
def test_foreign_json_is_called_foreign(copy, content):
    (copy / "bundle.json").write_text(content)
    with pytest.raises(BundleError, match="not written by ProtoECG"):
        load_bundle(copy)


def rename_statement(head):
    head["statements"][0] = "HEARTBREAK"


def drop_statement(head):
    head["decisions"].pop(head["statements"].pop())


def widen(head):
    head["branches"]["morphology"]["widths"][-1] += 1


def huge(head):
    head["branches"]["rhythm"]["latent"] = 10**9


def swap_owners(head):
    owners = head["branches"]["rhythm"]["owners"]
    owners[0], owners[-1] = owners[-1], owners[0]


FORGERIES = [
    (rename_statement, "unknown statements HEARTBREAK"),
    (drop_statement, "size mismatch"),
    (widen, "size mismatch"),
    (huge, "size mismatch"),
    (swap_owners, "prototypes are not those of its network"),
    (lambda head: head["branches"].update(soul=head["branches"].pop("global")), "branches soul"),
    (lambda head: head["branches"].pop("global"), "[Uu]nexpected key"),
    (lambda head: head["decisions"].popitem(), "no threshold"),
    (lambda head: head["decisions"]["NORM"].pop("threshold"), "threshold"),
    (lambda head: head["sha256"].pop("prototypes.json"), "no checksums"),
    (lambda head: head.pop("about"), "about"),
    (lambda head: head["branches"]["rhythm"].update(activation="gelu"), "activation"),
    (lambda head: head["branches"]["rhythm"].update(widths=[]), "rhythm has sizes that cannot be"),
    (lambda head: head["branches"]["rhythm"].update(members=10**9), "sizes that cannot be"),
    (lambda head: head["branches"]["rhythm"]["strides"].__setitem__(0, 0), "sizes that cannot be"),
    (lambda head: head["branches"]["rhythm"].update(pooling="odd"), "'best' or 'mean'"),
    (lambda head: head["branches"].update(rhythm=[]), "branches.rhythm: "),
    (lambda head: head.update(branches=[head["branches"]]), "branches: "),
    (lambda head: head.update(decisions=[]), "decisions: "),
    (lambda head: head.update(about=[]), "about: "),
    (lambda head: head.update(simulated="false"), "simulated: "),
    *(
        (lambda head, t=t: head["decisions"]["NORM"].update(threshold=t), r"NORM\.threshold: ")
        for t in (float("nan"), float("inf"), -0.1, 1.1, "0.5", None, True)
    ),
]


@pytest.mark.parametrize(("change", "words"), FORGERIES)
def test_parts_that_do_not_fit_together_are_refused(copy, change, words):
    rewrite(copy, change)
    with pytest.raises(BundleError, match=words) as error:
        load_bundle(copy)
    assert str(copy) in str(error.value)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"window_s": ["a", "b"]}, "window_s.0: "),
        ({"window_s": [0.0]}, "window_s.1: "),
        ({"window_s": [0.0, float("inf")]}, "window_s.1: "),
        ({"window_s": [2.0, 1.0]}, "from 2 to 1 s"),
        ({"window_s": [-1.0, 1.0]}, "from -1 to 1 s"),
        ({"statements": ["HEARTBREAK"]}, "unknown statements HEARTBREAK"),
        ({"statements": "NORM"}, "statements: "),
        ({"record": 7}, "record: "),
        ({"age": "old"}, "age: "),
        ({"diary": ""}, "diary: "),
    ],
)
def test_a_prototype_that_could_not_be_shown_is_refused(copy, wrong, words):
    rewrite(copy, lambda p: p[0].update(wrong), "prototypes.json")
    with pytest.raises(BundleError, match=words):
        load_bundle(copy)


def test_an_unknown_statement_of_branch_and_prototype_is_refused(copy):
    def rename(head):
        owners = head["branches"]["rhythm"]["owners"]
        owners[:] = ["HEARTBREAK" if owner == owners[0] else owner for owner in owners]

    def follow(prototypes):
        mine = [p for p in prototypes if p["branch"] == "rhythm"]
        first = mine[0]["statement"]
        for prototype in mine:
            if prototype["statement"] == first:
                prototype["statement"] = "HEARTBREAK"

    rewrite(copy, rename)
    rewrite(copy, follow, "prototypes.json")
    with pytest.raises(BundleError, match="unknown statements HEARTBREAK"):
        load_bundle(copy)


def test_metrics_that_are_no_numbers_do_not_keep_a_bundle_from_loading(copy):
    rewrite(copy, lambda head: head["about"].update(macro_auroc=float("nan")))
    assert np.isnan(load_bundle(copy).about["macro_auroc"])


def test_a_head_of_endless_brackets_is_damage(copy):
    (copy / "bundle.json").write_text("[" * 100_000)
    with pytest.raises(BundleError, match=r"bundle\.json is damaged"):
        load_bundle(copy)


def test_two_prototypes_of_one_name_are_refused(copy):
    rewrite(copy, lambda p: p[1].update(name=p[0]["name"]), "prototypes.json")
    with pytest.raises(BundleError, match="one name"):
        load_bundle(copy)


def test_a_prototype_missing_from_the_list_is_refused(copy):
    rewrite(copy, lambda p: p.pop(), "prototypes.json")
    with pytest.raises(BundleError, match="prototypes are not those"):
        load_bundle(copy)


# What is shipped.


@pytest.fixture(scope="module", params=["demo", "ptbxl"])
def shipped(request):
    if not (MODELS / request.param / "bundle.json").is_file():
        pytest.skip(f"models/{request.param} is not there (yet)")
    return load_bundle(MODELS / request.param)


def source_inputs(bundle):
    """Model input of every prototype's source ECG; none is fetched from the network."""
    places = Waveforms.for_bundle(bundle.path, bundle.self_contained)
    places = Waveforms(places.bundle, places.ptbxl, places.cache)
    try:
        return np.stack([model_input(places.load(prototype)) for prototype in bundle.prototypes])
    except WaveformUnavailable as error:
        pytest.skip(f"the source ECGs of {bundle.path.name} are not here: {error}")


def test_a_shipped_bundle_is_small(shipped):
    files = [file for file in shipped.path.rglob("*") if file.is_file()]
    assert sum(file.stat().st_size for file in files) < MAX_BYTES


def test_a_shipped_bundle_never_takes_two_prototypes_of_a_statement_from_one_patient(shipped):
    taken = [(p.branch, p.statement, p.patient) for p in shipped.prototypes]
    assert len(set(taken)) == len(taken)


def test_a_shipped_prototype_carries_its_statement(shipped):
    assert all(p.statement in p.statements for p in shipped.prototypes)


def test_a_shipped_bundle_is_marked_simulated_where_it_is(shipped):
    assert shipped.simulated == (shipped.path.name == "demo")


def test_a_shipped_prototype_is_the_latent_of_its_own_window(shipped):
    x = torch.from_numpy(source_inputs(shipped))
    start = 0
    for name, branch in shipped.network.branches.items():
        mine = shipped.prototypes[start : start + len(branch.shape.owners)]
        rows = range(start, start + len(mine))
        windows = torch.stack(
            [
                x[row][:, round(100 * p.window_s[0]) : round(100 * p.window_s[1])]
                for row, p in zip(rows, mine, strict=True)
            ]
        )
        with torch.inference_mode():
            own = branch(windows).values.diagonal()
            whole = branch(x[list(rows)]).values.diagonal()
        assert own.min() >= 0.9999, f"{name}: {mine[int(own.argmin())].name}"
        assert (whole >= 0.9999).all()
        start += len(mine)


def test_a_shipped_bundle_decides_by_contributions_that_add_up(shipped):
    for seed in range(20):
        ecg = simulate([CODES[seed % len(CODES)]], seed=seed, rate=500 if seed % 2 else 100).ecg
        with torch.inference_mode():
            logits = shipped.network(torch.from_numpy(model_input(ecg))[None]).logits[0]
        explanation = explain(ecg, shipped)
        assert len(explanation.findings) == len(shipped.statements)
        for finding in explanation.findings:
            by_matches = finding.bias + sum(match.contribution for match in finding.matches)
            expected = float(logits[shipped.statements.index(finding.code)])
            assert by_matches == pytest.approx(expected, abs=1e-4)
            measured = sum(measured.contribution for measured in finding.measured)
            assert by_matches + measured == pytest.approx(finding.logit, abs=1e-4)


def test_the_real_bundle_explains_a_real_ecg(ptbxl_root):
    from training.data import ptbxl

    if not (MODELS / "ptbxl" / "bundle.json").is_file():
        pytest.skip("models/ptbxl is not there (yet)")
    bundle = load_bundle(MODELS / "ptbxl")
    record = ptbxl.load(ptbxl_root).folds([9]).table["record"].iloc[0]
    explanation = explain(ptbxl.read_record(ptbxl_root, record), bundle)
    assert len(explanation.findings) == 71
    assert explanation.source == record and not explanation.simulated


def test_embedding_a_loaded_bundle_anew_changes_nothing(tiny_bundle, copy):
    bundle = load_bundle(copy)
    x, start = torch.from_numpy(source_inputs(bundle)), 0
    for branch in bundle.network.branches.values():
        rows = range(start, start + len(branch.shape.owners))
        stored = branch.prototypes.vectors.clone()
        windows = [
            x[r][:, slice(*(round(100 * s) for s in bundle.prototypes[r].window_s))] for r in rows
        ]
        embed(branch, Anchors(torch.stack(windows), torch.zeros(len(rows), dtype=torch.long)))
        assert torch.allclose(branch.prototypes.vectors, stored, rtol=1e-3, atol=1e-4)
        start += len(rows)
