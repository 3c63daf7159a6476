"""How large an upload may be, and that none stays once it is read."""

import ast
import tomllib
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from test_batch_page import upload

from pages.shell import uploads
from protoecg.ecg import LEADS
from protoecg.simulate import example

ROOT = Path(__file__).resolve().parents[2]
CONFIG = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())


@pytest.fixture
def held(monkeypatch):
    """The bytes that the servers of this test hold of uploads."""
    managers = []
    made = MemoryUploadedFileManager.__init__

    def noted(self, *args):
        made(self, *args)
        managers.append(self)

    monkeypatch.setattr(MemoryUploadedFileManager, "__init__", noted)
    return lambda: sum(
        len(file.data)
        for m in managers
        for files in m.file_storage.values()
        for file in files.values()
    )


def npz():
    content = BytesIO()
    np.savez(content, signal=example("Atrial fibrillation").signal, leads=np.array(LEADS), rate=500)
    return content.getvalue()


def test_an_ecg_that_is_explained_is_no_upload_any_more(page, held):
    app = page("explain")
    app.file_uploader[0].set_value([("ecg.npz", npz(), "")]).run()
    assert "ecg" in app.query_params and held() == 0


def test_a_file_that_is_no_ecg_stays_in_the_field_with_its_error(page, held):
    app = page("explain")
    app.file_uploader[0].set_value([("ecg.npy", b"%PDF", "")]).run()
    assert "is a PDF" in app.error[0].value and held() == 4


def test_an_archive_that_is_begun_is_no_upload_any_more(page, held):
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("ecg.npz", npz())
    app = upload(page("batch"), content.getvalue())
    assert "batch" in app.query_params and held() == 0


def uploaders():
    for file in sorted((ROOT / "pages").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "st.file_uploader":
                yield file, {keyword.arg: keyword.value for keyword in node.keywords}


def test_no_page_says_a_limit_that_the_server_does_not_keep():
    names = [ast.unparse(options["max_upload_size"]) for _, options in uploaders()]
    assert {name.partition(".")[0] for name in names} == {"uploads"}
    limits = [getattr(uploads, name.partition(".")[2]) for name in names]
    # The browser sends some bytes with a file.
    assert max(limits) < CONFIG["server"]["maxUploadSize"] <= max(limits) + 1
