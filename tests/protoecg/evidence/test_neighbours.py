import json
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
import safetensors.numpy
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from protoecg.bundle import save_bundle
from protoecg.evidence.neighbours import (
    HEAD,
    NUMBERS,
    SHOWN,
    NeighboursError,
    TrainingECGs,
    nearest,
    read_neighbours,
)
from protoecg.explain import explain
from protoecg.explanation import Match
from protoecg.prototypes.waveforms import Waveforms, WaveformUnavailable
from protoecg.signals import model_input
from training.data import ptbxl
from training.neighbours import KEPT, index


@pytest.fixture(scope="module")
def bundle(tmp_path_factory, tiny_bundle, simulated_root):
    """A copy of the tiny bundle with its index."""
    copy = save_bundle(
        tmp_path_factory.mktemp("indexed") / "tiny",
        name=tiny_bundle.name,
        simulated=True,
        network=tiny_bundle.network,
        prototypes=tiny_bundle.prototypes,
        decisions=tiny_bundle.decisions,
        about=tiny_bundle.about,
    )
    index(copy, simulated_root)
    return copy


@pytest.fixture(scope="module")
def ecgs(bundle) -> TrainingECGs:
    return read_neighbours(bundle)


@pytest.fixture(scope="module")
def train(bundle, simulated_root) -> ptbxl.Dataset:
    return ptbxl.load(simulated_root).folds(bundle.about["config"]["train_folds"])


def matches(bundle, prototype) -> Match:
    """A match of a prototype with its own window."""
    return Match(prototype, 1.0, 1.0, 1.0, prototype.window_s)


@pytest.fixture
def files(bundle):
    """The index's files, to be damaged: put back afterwards."""
    kept = {name: (bundle.path / name).read_bytes() for name in (HEAD, NUMBERS)}
    yield bundle.path
    for name, content in kept.items():
        (bundle.path / name).write_bytes(content)


def rewrite(folder, numbers: dict[str, np.ndarray]) -> None:
    """Write other numbers with a checksum that fits, as one would who means harm."""
    content = safetensors.numpy.save({k: np.ascontiguousarray(v) for k, v in numbers.items()})
    (folder / NUMBERS).write_bytes(content)
    head = json.loads((folder / HEAD).read_text())
    (folder / HEAD).write_text(json.dumps(head | {"sha256": sha256(content).hexdigest()}))


def test_the_window_of_a_training_ecg_finds_itself(bundle, ecgs, train):
    for prototype in bundle.prototypes:
        ecg = ptbxl.read_record(train.root, prototype.record)
        # Alone of its patient and of all, as windows of other ECGs may be all but the same.
        mine = train.table["record"].to_numpy() == prototype.record
        only = replace(ecgs, patient=np.where(mine, 0, 1).astype(np.int32))
        found = {n.record: n for n in nearest(ecg, bundle, matches(bundle, prototype), only)}
        assert found[prototype.record].similarity == pytest.approx(1, abs=0.02)
        assert found[prototype.record].window_s == prototype.window_s


def test_what_is_told_of_a_neighbour_is_what_the_data_set_knows(bundle, ecgs, train):
    prototype = bundle.prototypes[0]
    by_record = train.table.set_index("record")
    ecg = ptbxl.read_record(train.root, prototype.record)
    for found in nearest(ecg, bundle, matches(bundle, prototype), ecgs):
        row = by_record.loc[found.record]
        assert (found.patient, found.age, found.sex) == (row["patient"], row["age"], row["sex"])
        assert set(found.statements) == set(row["codes"]) & set(bundle.statements)
        assert Waveforms(bundle.path, ptbxl=train.root).load(found).source == found.record


def test_the_similarity_is_the_models_own_cosine_rounded(bundle, ecgs, train):
    prototype = next(p for p in bundle.prototypes if p.branch == "morphology")
    ecg = ptbxl.read_record(train.root, prototype.record)
    for found in nearest(ecg, bundle, matches(bundle, prototype), ecgs):
        other = ptbxl.read_record(train.root, found.record)
        start, end = (round(100 * s) for s in found.window_s)
        window = torch.from_numpy(model_input(other)[None, :, start:end])
        similarity = bundle.network.branches["morphology"](window).values[0]
        of_branch = [p for p in bundle.prototypes if p.branch == "morphology"]
        assert found.similarity == pytest.approx(
            float(similarity[of_branch.index(prototype)]), abs=0.05
        )


def test_each_neighbour_is_another_patient(bundle, ecgs, train):
    patients = train.table["patient"]
    assert patients.duplicated().any()
    for prototype in bundle.prototypes:
        ecg = ptbxl.read_record(train.root, prototype.record)
        found = nearest(ecg, bundle, matches(bundle, prototype), ecgs)
        assert len({neighbour.patient for neighbour in found}) == len(found) == SHOWN


def test_of_a_patients_ecgs_the_nearest_is_the_one_shown(bundle, ecgs, train):
    prototype = bundle.prototypes[0]
    ecg = ptbxl.read_record(train.root, prototype.record)
    one_patient = replace(ecgs, patient=np.ones_like(ecgs.patient))
    (found,) = nearest(ecg, bundle, matches(bundle, prototype), one_patient)
    assert found.record == nearest(ecg, bundle, matches(bundle, prototype), ecgs)[0].record


def test_labels_are_counted_as_in_the_data_set(bundle, ecgs, train):
    labels = train.labels(bundle.statements)
    carriers = [ecgs.labelled(bundle, code) for code in bundle.statements]
    assert carriers == labels.sum(axis=0).tolist()
    assert len(ecgs) == len(train.table)


def test_windows_are_kept_once_and_strips_have_one(bundle, ecgs):
    assert ecgs.cells["rhythm"].shape[1] == ecgs.cells["global"].shape[1] == 1
    cells = ecgs.cells["morphology"]
    assert cells.shape[1] == KEPT
    assert all(len(set(row)) == KEPT for row in cells.tolist())


def test_every_window_that_an_explanation_names_has_its_cell(bundle, train):
    ecg = ptbxl.read_record(train.root, train.table["record"][0])
    for finding in explain(ecg, bundle).findings:
        for match in finding.matches:
            branch = bundle.network.branches[match.prototype.branch]
            assert branch.window_s(branch.cell(match.window_s)) == match.window_s


def test_a_bundle_without_an_index_has_none(tiny_bundle):
    assert read_neighbours(tiny_bundle) is None


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (NUMBERS, b"{", "damaged"),
        (HEAD, b"{", "cannot be used"),
        (HEAD, b"[" * 9000, "cannot be used"),
        (HEAD, b" " * 20_000, "larger"),
        (HEAD, b"[]", "not written by ProtoECG"),
    ],
)
def test_a_damaged_index_says_so_and_what_to_do(bundle, files, name, content, message):
    (files / name).write_bytes(content)
    with pytest.raises(NeighboursError, match=message) as refused:
        read_neighbours(bundle)
    assert "python -m training neighbours" in str(refused.value)


def test_one_flipped_bit_is_noticed(bundle, files):
    content = bytearray((files / NUMBERS).read_bytes())
    content[-1] ^= 1
    (files / NUMBERS).write_bytes(content)
    with pytest.raises(NeighboursError, match="checksum"):
        read_neighbours(bundle)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("version", 2, "format 2"),
        ("version", None, "format None"),
        ("revision", "0" * 16, "revision"),
        ("sha256", ["x"], "neighbours.json.sha256: Input should be a valid string"),
        ("sha256", "x", "checksum"),
    ],
)
def test_a_foreign_head_is_refused(bundle, files, key, value, message):
    head = json.loads((files / HEAD).read_text()) | {key: value}
    (files / HEAD).write_text(json.dumps(head))
    with pytest.raises(NeighboursError, match=message):
        read_neighbours(bundle)


def test_numbers_without_a_head_are_no_index(bundle, files):
    (files / HEAD).unlink()
    assert read_neighbours(bundle) is None


def test_a_head_without_numbers_is_refused(bundle, files):
    (files / NUMBERS).unlink()
    with pytest.raises(NeighboursError):
        read_neighbours(bundle)


HOSTILE = {
    "too few patients": lambda n: n | {"patient": n["patient"][:-1]},
    "no ECGs": lambda n: {k: v[:0] for k, v in n.items()},
    "a number": lambda n: n | {"patient": np.array(1, np.int32)},
    "missing part": lambda n: {k: v for k, v in n.items() if k != "sex"},
    "unknown part": lambda n: n | {"morphology.code": n["sex"]},
    "unknown branch": lambda n: n | {"other.cells": n["rhythm.cells"]},
    "float latents": lambda n: (
        n | {"rhythm.latents": n["rhythm.latents"].astype(np.float32) * np.nan}
    ),
    "wide latents": lambda n: n | {"rhythm.latents": np.zeros((len(n["sex"]), 1, 999), np.int8)},
    "unknown sex": lambda n: n | {"sex": n["sex"] + 9},
    "negative cell": lambda n: n | {"morphology.cells": n["morphology.cells"] - 1000},
    "cell beyond the end": lambda n: n | {"morphology.cells": n["morphology.cells"] + 1000},
    "long records": lambda n: n | {"record": np.ones((len(n["sex"]), 5000), np.uint8)},
    "stretched axes": lambda n: n | {"rhythm.bases": n["rhythm.bases"] * 2},
    "axes that are no numbers": lambda n: n | {"rhythm.bases": n["rhythm.bases"] * np.nan},
}


@pytest.mark.parametrize("harm", HOSTILE)
def test_numbers_that_do_not_fit_are_refused_though_their_checksum_does(bundle, files, harm):
    numbers = safetensors.numpy.load_file(files / NUMBERS)
    rewrite(files, HOSTILE[harm](numbers))
    with pytest.raises(NeighboursError):
        read_neighbours(bundle)


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(at=st.integers(0, 3000), byte=st.integers(0, 255))
def test_a_header_with_a_wrong_byte_is_read_or_refused(bundle, files, at, byte):
    numbers = safetensors.numpy.load_file(files / NUMBERS)
    content = bytearray(safetensors.numpy.save(numbers))
    content[min(at, len(content) - 1)] = byte
    head = json.loads((files / HEAD).read_text()) | {"sha256": sha256(content).hexdigest()}
    original = (files / NUMBERS).read_bytes()
    (files / NUMBERS).write_bytes(content)
    (files / HEAD).write_text(json.dumps(head))
    try:
        assert len(read_neighbours(bundle)) > 0
    except NeighboursError as refused:
        assert "Make it anew" in str(refused)
    finally:
        (files / NUMBERS).write_bytes(original)


def test_a_record_that_leads_out_of_the_folder_is_not_opened(bundle, files, ecgs, train):
    numbers = safetensors.numpy.load_file(files / NUMBERS)
    evil = np.frombuffer(b"../../etc/passwd".ljust(numbers["record"].shape[1], b"\0"), np.uint8)
    rewrite(files, numbers | {"record": np.tile(evil, (len(ecgs), 1))})
    prototype = bundle.prototypes[0]
    ecg = ptbxl.read_record(train.root, prototype.record)
    found = nearest(ecg, bundle, matches(bundle, prototype), read_neighbours(bundle))
    with pytest.raises(WaveformUnavailable, match="Do not use this bundle"):
        Waveforms(bundle.path, ptbxl=train.root).load(found[0])
