"""Text of others is shown as text: no name, error or parameter brings Markdown to a page."""

import hashlib
import json
import re

import pytest
from google.protobuf.json_format import MessageToDict

from protoecg.bundle import load_bundle

PICTURE = "![x](http://evil.example/seen.png)"
LINK = "[click](http://evil.example)"
ALIVE = re.compile(r"(?<!\\)\[(?:x|click)(?<!\\)\]\(")
# What a browser shows as it is, or as Markdown never: names of files, codes, cells, options.
PLAIN = {"text", "code", "arrow_data_frame", "plotly_chart", "html", "json"}
NO_MARKDOWN = {
    # What a component's script is handed.
    "json",
    "options",
    "value",
    "default",
    "placeholder",
    "id",
    "element_id",
    "rawValue",
    "rawValues",
}

# What a prototype may say is checked when a bundle is read, or names a file that has to be there.
CHECKED = {"branch", "statement", "record", "sha256"}


@pytest.fixture
def hostile(models):
    """The demo bundle, with Markdown in every text that nothing checks."""
    folder = models / "demo"
    prototypes = json.loads((folder / "prototypes.json").read_text())
    for number, prototype in enumerate(prototypes):
        texts = {key for key, value in prototype.items() if isinstance(value, str)}
        prototype |= dict.fromkeys(texts - CHECKED, PICTURE)
        prototype |= {"name": f"{PICTURE} {number}", "noise": [PICTURE], "relaxed": [PICTURE]}
    (folder / "prototypes.json").write_text(json.dumps(prototypes))
    head = json.loads((folder / "bundle.json").read_text())
    head["name"] = PICTURE
    head["about"] = {
        key: PICTURE if isinstance(value, str) else value for key, value in head["about"].items()
    }
    head["sha256"]["prototypes.json"] = hashlib.sha256(
        (folder / "prototypes.json").read_bytes()
    ).hexdigest()
    (folder / "bundle.json").write_text(json.dumps(head))
    return load_bundle(folder)


def alive(app):
    """Return what of a page a browser would take for Markdown of others."""
    found = []
    for node in elements(app._tree):
        kind = node.type
        if kind in PLAIN:
            continue
        found += [text for text in texts(MessageToDict(node.proto)) if ALIVE.search(text)]
    return found


def elements(block):
    for child in getattr(block, "children", {}).values():
        if hasattr(child, "children"):
            yield from elements(child)
        elif getattr(child, "proto", None) is not None:
            yield child


def texts(value, name=""):
    if name in NO_MARKDOWN:
        return
    if isinstance(value, dict):
        for key, part in value.items():
            yield from texts(part, key)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part, name)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("explain", {}),
        ("explain", {"example": "0"}),
        ("batch", {}),
        ("library", {}),
        ("library", {"branch": "morphology"}),
        ("rate", {"reviewer": "R01"}),
        ("studies", {"view": "New study"}),
        ("results", {}),
        ("model_card", {}),
    ],
)
def test_a_bundle_brings_no_markdown(page, hostile, name, query):
    app = page(name, bundle="demo", **query)

    assert PICTURE.replace("!", "") in hostile.name
    assert not alive(app)


@pytest.mark.parametrize(
    "name", ["explain", "batch", "library", "rate", "studies", "take_part", "results", "model_card"]
)
@pytest.mark.parametrize("closed", [True, False])
def test_no_parameter_of_an_address_brings_markdown(page, monkeypatch, name, closed):
    if closed:
        monkeypatch.delenv("PROTOECG_OPEN_REVIEWERS")
    names = "bundle reviewer secret prototype key study item stage finding match view of by figures"
    app = page(name, **dict.fromkeys(names.split(), PICTURE))

    assert not alive(app)


def test_the_check_sees_markdown_where_it_is_alive():
    assert ALIVE.search(PICTURE)
    assert ALIVE.search(f"an error quotes {LINK}")
    assert not ALIVE.search(r"\!\[x\]\(http\://evil.example/seen.png\)")
