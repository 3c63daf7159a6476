import json
import shutil

import pytest

from protoecg.bundle import load_bundle
from protoecg.card.document import FILE, MAX_BYTES, CardError, read_card, write_card
from training.__main__ import main

FAITHFULNESS = {"fold": 9, "n": 3, "measures": {}}
ABSTENTION = {"fold": 9, "n": 3, "recordings": {}}
EVALUATION = {"fold": 9, "n": 3, "per_statement": {}}
KNOWN_CHANGES = {"fold": 9, "n": 3, "changes": {}}
PRACTICE = {"fold": 9, "n": 3, "makes": {}}
ABLATIONS = {"fold": 9, "n": 3, "rows": []}


@pytest.fixture
def bundle(tiny_bundle, tmp_path):
    shutil.copytree(tiny_bundle.path, tmp_path / "bundle")
    return load_bundle(tmp_path / "bundle")


@pytest.fixture
def file(tmp_path):
    """Writes a measurement and returns its file."""

    def written(content, name="measured.json"):
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return written


def card(bundle, *arguments):
    return main(["card", "--bundle", str(bundle.path), *map(str, arguments)])


def test_a_bundle_without_a_card_has_no_measurements(bundle):
    assert read_card(bundle) == {}


def test_measurements_are_collected_and_the_bundle_stays_as_it_is(bundle, file, capsys):
    assert card(bundle, "--faithfulness", file(FAITHFULNESS)) == 0
    changes = "--known-changes", file(KNOWN_CHANGES, "k")
    assert card(bundle, *changes) == 0
    assert card(bundle, "--abstention", file(ABSTENTION), "--ablations", file(ABLATIONS, "t")) == 0
    assert card(bundle, "--practice", file(PRACTICE, "p")) == 0
    assert read_card(bundle) == {
        "faithfulness": FAITHFULNESS,
        "abstention": ABSTENTION,
        "known_changes": KNOWN_CHANGES,
        "practice": PRACTICE,
        "ablations": ABLATIONS,
    }
    again = load_bundle(bundle.path)
    assert (again.revision, again.fingerprint) == (bundle.revision, bundle.fingerprint)
    assert "holds: faithfulness, known_changes, abstention, ablations" in capsys.readouterr().out


def test_a_measurement_takes_the_place_of_an_older_one(bundle, file):
    card(bundle, "--faithfulness", file(FAITHFULNESS))
    card(bundle, "--faithfulness", file(FAITHFULNESS | {"n": 4}))
    assert read_card(bundle)["faithfulness"]["n"] == 4


def test_evaluations_stand_side_by_side_by_fold(bundle, file):
    nine, ten = file(EVALUATION, "9"), file(EVALUATION | {"fold": 10}, "10")
    card(bundle, "--evaluation", nine)
    card(bundle, "--evaluation", ten)
    assert set(read_card(bundle)["evaluations"]) == {"9", "10"}


FOREIGN = [
    (FAITHFULNESS | {"revision": "0" * 16}, "measured on the revision"),
    (FAITHFULNESS | {"bundle": "Another"}, "measured on the bundle 'Another'"),
    (ABSTENTION, "holds no 'measures'"),
    ([], "holds no 'measures'"),
    ("{", "is no JSON"),
    ('"' + "x" * MAX_BYTES + '"', "larger than any"),
]


@pytest.mark.parametrize(("content", "words"), FOREIGN)
def test_what_is_not_of_this_bundle_is_refused(bundle, file, capsys, content, words):
    assert card(bundle, "--faithfulness", file(content)) == 1
    assert words in capsys.readouterr().err
    assert not (bundle.path / FILE).exists()


def test_the_published_rules_measurement_is_of_another_bundle(bundle, file):
    other = FAITHFULNESS | {"bundle": "Published rule", "revision": "0" * 16}
    assert card(bundle, "--baseline-faithfulness", file(other)) == 0
    assert read_card(bundle) == {"baseline_faithfulness": other}


def retrained(bundle):
    head = json.loads((bundle.path / "bundle.json").read_text()) | {"name": "Retrained"}
    (bundle.path / "bundle.json").write_text(json.dumps(head))
    return load_bundle(bundle.path)


def test_a_card_of_an_older_revision_is_refused_and_written_anew(bundle, file):
    card(bundle, "--faithfulness", file(FAITHFULNESS))
    newer = retrained(bundle)
    with pytest.raises(CardError, match="is about revision"):
        read_card(newer)
    card(newer, "--abstention", file(ABSTENTION))
    assert set(read_card(newer)) == {"abstention"}


HOSTILE = [
    (b"{", "damaged"),
    (b"\xff\xfe", "damaged"),
    (b"[" * 100_000, "damaged"),
    (b"[]", "not written by ProtoECG"),
    (b'{"format": "protoecg-card", "version": 9}', "format 9"),
    (b'{"format": "protoecg-card", "version": 1}', "revision: Field required"),
    (b" " * (MAX_BYTES + 1), "larger than any of its kind"),
]


@pytest.mark.parametrize(("content", "words"), HOSTILE)
def test_a_card_that_cannot_be_one_is_refused(bundle, content, words):
    (bundle.path / FILE).write_bytes(content)
    with pytest.raises(CardError, match=words):
        read_card(bundle)


def test_what_is_no_measurement_is_left_out(bundle):
    write_card(bundle, {"faithfulness": [1], "soul": {}, "abstention": ABSTENTION})
    assert read_card(bundle) == {"abstention": ABSTENTION}
    content = json.loads((bundle.path / FILE).read_text()) | {"measurements": 3}
    (bundle.path / FILE).write_text(json.dumps(content))
    with pytest.raises(CardError, match="measurements: Input should be"):
        read_card(bundle)


@pytest.mark.parametrize(
    "damaged",
    [
        {**FAITHFULNESS, "measures": [1]},
        {**FAITHFULNESS, "fold": "<b>9</b>"},
        {**FAITHFULNESS, "fold": True},
        '{"fold": 9, "n": NaN, "measures": {}}',
    ],
)
def test_a_measurement_of_other_types_is_refused(bundle, file, capsys, damaged):
    assert card(bundle, "--faithfulness", file(damaged)) == 1
    assert "Name the file that" in capsys.readouterr().err
    assert read_card(bundle) == {}
