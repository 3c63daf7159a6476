"""Networks as an ONNX graph, and explanations where torch is not installed."""

import json
import shutil
import subprocess
import sys
from copy import deepcopy
from functools import partial
from hashlib import sha256

import numpy as np
import pandas as pd
import pytest

from protoecg.bundle import load_bundle, save_bundle
from protoecg.network import onnx_network
from protoecg.network.onnx_network import GRAPH, HEAD, OnnxNetwork
from protoecg.signals import model_input
from protoecg.simulate import simulate
from training.__main__ import main
from training.data.simulated import write_dataset
from training.graph import carry_graph

pytest.importorskip("onnxruntime")
pytest.importorskip("onnxscript")

# A Python that has no torch.
WITHOUT_TORCH = """
import sys

class Without:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")

sys.meta_path.insert(0, Without())
from protoecg.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def exported(tiny_bundle, tmp_path_factory):
    """The small bundle, whose morphology reads lead by lead, with its graph."""
    folder = tmp_path_factory.mktemp("onnx") / "tiny"
    shutil.copytree(tiny_bundle.path, folder)
    assert main(["onnx", "--bundle", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def ecgs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ecgs")
    for n, code in enumerate(["AFIB", "PVC", "NORM"]):
        np.save(folder / f"{code}.npy", simulate([code], seed=n, rate=500).ecg.signal)
    return folder


def without_torch(*command):
    words = [sys.executable, "-c", WITHOUT_TORCH, *map(str, command)]
    return subprocess.run(words, capture_output=True, text=True, timeout=300)


def test_the_graph_sees_what_the_networks_see(exported):
    bundle = load_bundle(exported)
    graph = graph_of(bundle)
    x = np.stack([model_input(simulate(["AFIB"], seed=n).ecg) for n in range(3)])
    for n in (1, 3):
        ours, its = bundle.network.look(x[:n]), graph.look(x[:n])
        assert ours.similarities == pytest.approx(its.similarities, abs=1e-4)
        assert (ours.cells == its.cells).mean() > 0.99
        assert set(ours.lead_parts) == set(its.lead_parts) == {"morphology"}
        parts = its.lead_parts["morphology"].sum(axis=2)
        assert parts == pytest.approx(ours.similarities[:, bundle.network.columns("morphology")],
                                      abs=1e-4)  # fmt: skip
    assert graph.owners == bundle.network.owners
    assert np.array_equal(graph.weights, bundle.network.weights)
    assert np.array_equal(graph.biases, bundle.network.biases)


def test_what_is_exported_changes_nothing_in_the_bundle(exported, tiny_bundle):
    assert load_bundle(exported).revision == tiny_bundle.revision


def test_without_torch_the_same_is_explained_and_adds_up(exported, ecgs, capsys):
    command = ["explain", ecgs / "PVC.npy", "--rate", 500, "--bundle", exported, "--json"]
    run = without_torch(*command)
    assert run.returncode == 0, run.stderr
    from protoecg.__main__ import main as here

    assert here([str(part) for part in command]) == 0
    ours, its = json.loads(capsys.readouterr().out), json.loads(run.stdout)
    assert [f["code"] for f in ours["findings"]] == [f["code"] for f in its["findings"]]
    for one, other in zip(ours["findings"], its["findings"], strict=True):
        parts = [*other["matches"], *other["measured"]]
        total = other["bias"] + sum(part["contribution"] for part in parts)
        assert other["logit"] == pytest.approx(total, abs=1e-9)
        assert other["logit"] == pytest.approx(one["logit"], abs=1e-3)
        assert other["certainty"] == one["certainty"]
        windows = [
            {match["prototype"]: match["window_s"] for match in explanation["matches"]}
            for explanation in (one, other)
        ]
        assert windows[0] == windows[1]


@pytest.mark.parametrize("out", ["table.csv", "parts"])
def test_without_torch_a_batch_has_the_same_rows(exported, ecgs, tmp_path, out):
    run = without_torch("batch", ecgs, "--bundle", exported, "--rate", 500, "--out", tmp_path / out)
    assert run.returncode == 0, run.stderr
    from protoecg.__main__ import main as here

    ours = tmp_path / f"ours-{out}"
    command = ["batch", ecgs, "--bundle", exported, "--rate", 500, "--out", ours]
    assert here([str(part) for part in command]) == 0
    read = pd.read_csv if out.endswith("csv") else pd.read_parquet
    one, other = (read(file).sort_values("file") for file in (ours, tmp_path / out))
    assert list(one["likely"].fillna("")) == list(other["likely"].fillna(""))
    codes = list(load_bundle(exported).statements)
    assert one[codes].to_numpy() == pytest.approx(other[codes].to_numpy(), abs=1e-4)


def refused(folder, ecgs):
    run = without_torch("explain", ecgs / "PVC.npy", "--rate", 500, "--bundle", folder)
    lines = run.stderr.strip().splitlines()
    assert run.returncode == 1 and len(lines) == 1
    return lines[0]


def test_without_torch_and_graph_a_sentence_says_what_to_do(tiny_bundle, ecgs):
    assert "python -m training onnx" in refused(tiny_bundle.path, ecgs)


@pytest.mark.parametrize("damage", ["graph", "revision", "head"])
def test_a_graph_that_is_not_the_bundles_is_refused(exported, ecgs, tmp_path, damage):
    folder = shutil.copytree(exported, tmp_path / "bundle")
    if damage == "graph":
        (folder / GRAPH).write_bytes(b"other")
    elif damage == "head":
        (folder / HEAD).write_text("[]")
    else:
        head = json.loads((folder / HEAD).read_text())
        (folder / HEAD).write_text(json.dumps({**head, "revision": "other"}))
    assert "is not a bundle that this version can use" in refused(folder, ecgs)


def test_a_bundle_made_of_one_with_a_graph_has_a_graph_of_its_own(exported, tmp_path):
    made = load_bundle(shutil.copytree(exported, tmp_path / "made"))
    moved = deepcopy(made.network)
    moved.fusion.bias += 1
    out = save_bundle(
        tmp_path / "out",
        name="moved",
        simulated=True,
        network=moved,
        prototypes=made.prototypes,
        decisions=made.decisions,
        labels=made.labels,
        about=made.about,
    )
    assert not (out.path / GRAPH).exists()
    assert f"{GRAPH}: similarities of" in carry_graph(made, out)
    ecg = model_input(simulate(["AFIB"], seed=1).ecg)[None]
    _, _, logits, *_ = graph_of(out).session.run(None, {"ecg": ecg})
    _, _, before, *_ = graph_of(made).session.run(None, {"ecg": ecg})
    # What it says by itself is of the new weights, too.
    assert logits == pytest.approx(before + 1, abs=1e-4)


def test_without_the_packages_the_graph_is_left_out_and_that_is_said(
    exported, tiny_bundle, tmp_path, monkeypatch
):
    made = load_bundle(shutil.copytree(tiny_bundle.path, tmp_path / "made"))
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    note = carry_graph(load_bundle(exported), made)
    assert "is left out" in note and "pip install onnx" in note
    assert not (made.path / GRAPH).exists() and not (made.path / HEAD).exists()


def test_of_a_bundle_without_a_graph_nothing_is_written_nor_said(tiny_bundle, tmp_path):
    made = load_bundle(shutil.copytree(tiny_bundle.path, tmp_path / "made"))
    assert carry_graph(tiny_bundle, made) == ""
    assert not (made.path / GRAPH).exists()


def test_a_recalibration_writes_the_graph_and_says_so(exported, tmp_path, capsys):
    write_dataset(tmp_path / "data", 80, seed=77)
    (tmp_path / "data" / "dataset.json").write_text('{"name": "Elsewhere", "licence": "none"}')
    paths = {"--bundle": exported, "--data": tmp_path / "data", "--out": tmp_path / "out"}
    assert main(["recalibrate", *(str(part) for pair in paths.items() for part in pair)]) == 0
    assert f"{GRAPH}: similarities of" in capsys.readouterr().out
    made = load_bundle(tmp_path / "out")
    np.testing.assert_array_equal(graph_of(made).weights, made.network.weights)


def graph_of(bundle):
    shapes = {name: branch.shape for name, branch in bundle.network.branches.items()}
    return OnnxNetwork.read(bundle.path, bundle.revision, shapes, bundle.statements)


def constants(graph, *shape, value=0.0):
    """A graph that gives the same numbers in one shape for whatever it is asked."""
    import onnx
    from onnx import helper, numpy_helper

    same = numpy_helper.from_array(np.full(shape, value, np.float32))
    names = [output.name for output in graph.graph.output]
    nodes = [helper.make_node("Constant", [], [name], value=same) for name in names]
    outputs = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names]
    return _of(graph, nodes, outputs)


def weights_that_are_no_numbers(graph):
    for weights in graph.graph.initializer:
        if len(weights.raw_data) > 1_000:
            weights.raw_data = b"\0\0\xc0\x7f" * (len(weights.raw_data) // 4)
    return graph


def no_such_output(graph):
    graph.graph.output[0].name = "other"
    return graph


def weights_of_another_file(graph):
    import onnx

    weights = max(graph.graph.initializer, key=lambda one: len(one.raw_data))
    weights.ClearField("raw_data")
    weights.data_location = onnx.TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="../../../../../etc/passwd")
    return graph


def a_loop_without_end(graph):
    import onnx
    from onnx import helper, numpy_helper

    kind, truth = onnx.TensorProto.FLOAT, onnx.TensorProto.BOOL
    names = [output.name for output in graph.graph.output]
    count = helper.make_tensor_value_info("n", onnx.TensorProto.INT64, [])
    goes_on = [helper.make_tensor_value_info(name, truth, []) for name in ("on", "still")]
    kept = [helper.make_tensor_value_info(name, kind, [1]) for name in ("before", "after")]
    same = [helper.make_node("Identity", ["on"], ["still"])]
    same += [helper.make_node("Identity", ["before"], ["after"])]
    body = helper.make_graph(same, "b", [count, goes_on[0], kept[0]], [goes_on[1], kept[1]])
    first = {"M": np.array(2**62), "C": np.array(True), "V": np.zeros(1, np.float32)}
    nodes = [
        helper.make_node("Constant", [], [name], value=numpy_helper.from_array(value))
        for name, value in first.items()
    ]
    nodes += [helper.make_node("Loop", list(first), ["L"], body=body)]
    nodes += [helper.make_node("Identity", ["L"], [name]) for name in names]
    return _of(graph, nodes, [helper.make_tensor_value_info(name, kind, None) for name in names])


def _of(graph, nodes, outputs):
    from onnx import helper

    made = helper.make_graph(nodes, "g", [graph.graph.input[0]], outputs)
    return helper.make_model(made, opset_imports=graph.opset_import, ir_version=graph.ir_version)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (constants, "of other networks"),
        (partial(constants, value=np.nan), "of other networks"),
        (lambda graph: constants(graph, 1, 5), "of other networks"),
        (weights_that_are_no_numbers, "of other networks"),
        (no_such_output, "none that can be run"),
        (weights_of_another_file, "none that can be run"),
        (a_loop_without_end, "takes too long"),
    ],
)
def test_a_hostile_graph_is_refused_before_it_explains(
    exported, tmp_path, monkeypatch, change, says
):
    import onnx

    monkeypatch.setattr(onnx_network, "MOST_S", 1.0)
    folder = shutil.copytree(exported, tmp_path / "bundle")
    changed = change(onnx.load(folder / GRAPH)).SerializeToString()
    (folder / GRAPH).write_bytes(changed)
    head = json.loads((folder / HEAD).read_text())
    (folder / HEAD).write_text(json.dumps({**head, "sha256": sha256(changed).hexdigest()}))

    with pytest.raises(ValueError, match=says):
        graph_of(load_bundle(folder))
