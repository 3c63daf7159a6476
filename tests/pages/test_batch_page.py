"""A ZIP archive of ECGs in the app: begun, cancelled, gone on with, looked at, taken away."""

import asyncio
import gc
import shutil
import threading
import time
import weakref
import zipfile
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pandas as pd
import pytest

from pages.batches import archives, findings_table
from pages.batches.archives import Batches, batches
from pages.batches.triage import ORDER
from pages.ecg.recordings import recordings
from pages.server.lifetime import lifespan
from pages.shell.runs import Runs
from protoecg import wording
from protoecg.bundle import Bundle
from protoecg.ecg import ECGError
from protoecg.explain import explain
from protoecg.labels import PTBXL
from protoecg.readers.given import Given
from protoecg.simulate import EXAMPLES, example

TITLES = list(EXAMPLES)[:3]


def packed(files: dict[str, bytes]) -> bytes:
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in files.items():
            archive.writestr(name, file)
    return content.getvalue()


def npy_of(array: np.ndarray) -> bytes:
    content = BytesIO()
    np.save(content, array)
    return content.getvalue()


def npy(title: str) -> bytes:
    return npy_of(example(title).signal)


@pytest.fixture(scope="module")
def archive() -> bytes:
    """Three ECGs, and a file that is none."""
    ecgs = {f"ward/Doe Jane {n}.npy": npy(title) for n, title in enumerate(TITLES)}
    return packed({**ecgs, "Jane_Doe.pdf": b"%PDF-1.4"})


def ended(batch, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while batch.running:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def gate(monkeypatch):
    """Holds every explanation after the first until it is opened."""
    opened, first = threading.Event(), threading.Event()

    def waiting(*asked):
        if first.is_set():
            assert opened.wait(60)
        first.set()
        return explain(*asked)

    monkeypatch.setattr("protoecg.batch.run.explain", waiting)
    yield opened
    opened.set()


def begun(archive: bytes, bundle: Bundle):
    token = batches().begin(archive, bundle, Given(500.0))
    return token, batches().get(token)


def text(app) -> str:
    elements = [*app.markdown, *app.caption, *app.info, *app.warning, *app.error]
    return "\n".join(element.value for element in elements)


def everything_shown(app) -> str:
    return text(app) + "".join(frame.value.to_string() for frame in app.dataframe)


def upload(app, content: bytes):
    app.file_uploader[0].set_value(("Jane Doe.zip", content, "application/zip"))
    app.number_input[0].set_value(500.0)
    return next(b for b in app.button if b.label.startswith("Explain all")).click().run()


def click(app, label: str):
    return next(b for b in app.button if b.label == label).click().run()


def test_an_uploaded_archive_becomes_a_table_with_a_row_for_each_file(page, demo, archive):
    app = upload(page("batch"), archive)
    batch = batches().get("".join(app.query_params["batch"]))
    ended(batch)
    app.run()

    shown = app.dataframe[0].value.set_index("ECG", drop=False).sort_index()
    assert list(shown["ECG"]) == [1, 2, 3, 4]
    assert "**3** explained · **1** not read" in text(app)
    rows = batch.table().set_index("file")
    for n, title in enumerate(TITLES):
        explanation = explain(example(title), demo)
        row = shown.iloc[list(rows.index).index(f"ward/Doe Jane {n}.npy")]
        present = [finding for finding in explanation.findings if finding.present]
        possible = [f for f in explanation.findings if f.certainty == "possible"]
        for column, findings in (("Likely", present), ("Possible", possible)):
            parts = [part for part in row[column].split(", ") if part]
            assert sorted(parts) == sorted(
                f"{f.statement.description} {wording.probability(f.probability)}" for f in findings
            )
        for finding in present:
            assert row[finding.code] == pytest.approx(100 * finding.probability, abs=1e-3)


def test_no_name_of_a_file_is_on_screen_until_it_is_asked_for(page, demo, archive):
    token, batch = begun(archive, demo)
    ended(batch)

    app = page("batch", batch=token)
    assert "Jane" not in everything_shown(app) and "Doe" not in everything_shown(app)
    assert "The file is a PDF" in " ".join(app.dataframe[0].value["Error"])

    app.toggle(key="names").set_value(True).run()
    assert "Jane_Doe.pdf" in set(app.dataframe[0].value["File"])


@pytest.mark.parametrize("asked", [False, True])
def test_an_ecg_that_is_opened_tells_its_file_s_name_only_if_names_were_asked_for(
    page, demo, archive, monkeypatch, asked
):
    token, batch = begun(archive, demo)
    ended(batch)
    went = []
    monkeypatch.setattr(
        "streamlit.switch_page", lambda page, query_params: went.append(query_params)
    )
    app = page("batch", batch=token)
    app.toggle(key="names").set_value(asked).run()
    row = list(batch.table()["error"]).index("")
    app.number_input(key="number").set_value(row + 1)
    click(app, "Explain it")
    assert ("Jane" in recordings().get(went[-1]["ecg"]).source) == asked


def test_ecgs_are_shown_with_their_strips_and_only_those_with_a_finding(page, demo, archive):
    token, batch = begun(archive, demo)
    ended(batch)
    app = page("batch", batch=token)
    shown = app.dataframe[0].value
    drawn = shown["Lead II"].str.startswith("data:image/svg+xml")
    assert drawn.sum() == 3 and not shown.loc[~drawn, "Lead II"].any()
    assert [ORDER.index(kind) for kind in shown["Triage"]] == sorted(
        ORDER.index(kind) for kind in shown["Triage"]
    )

    code = batch.table()["likely"].str.split().explode().dropna().iloc[0]
    app.multiselect(key="statements").select(code).run()
    kept = app.dataframe[0].value
    having = [n + 1 for n, codes in enumerate(batch.table()["likely"]) if code in codes.split()]
    assert sorted(kept["ECG"]) == having and len(kept) < len(shown)


def test_it_is_cancelled_seen_again_after_a_reload_and_gone_on_with(page, demo, archive, gate):
    token, batch = begun(archive, demo)
    while batch.done < 2:
        time.sleep(0.02)

    running = page("batch", batch=token)
    assert any(button.label == "Cancel" for button in running.button)
    threading.Timer(0.5, gate.set).start()
    click(running, "Cancel")
    kept = batch.csv()
    assert not batch.running and 2 <= batch.done < 4

    again = page("batch", batch=token)
    assert f"Stopped after {batch.done} of 4 ECGs." in text(again)
    assert len(again.dataframe[0].value) == batch.done
    assert len(again.get("download_button")) == 2
    click(again, "Go on")
    ended(batch)
    assert batch.complete and batch.csv().startswith(kept)
    again.run()
    assert "Stopped" not in text(again) and len(again.dataframe[0].value) == 4


def test_while_it_runs_only_the_last_ecgs_stand_there_and_all_are_counted(
    page, demo, archive, gate, monkeypatch
):
    monkeypatch.setattr("pages.batches.table.SO_FAR", 1)
    token, batch = begun(archive, demo)
    while batch.done < 2:
        time.sleep(0.02)
    running = page("batch", batch=token)
    assert list(running.dataframe[0].value["ECG"]) == [batch.done]
    assert f"**{batch.done - 1}** explained · **1** not read" in text(running)
    assert f"The last 1 of {batch.done} ECGs" in text(running)


def test_both_downloads_hold_every_probability(demo, archive):
    _, batch = begun(archive, demo)
    ended(batch)

    csv, parquet = pd.read_csv(BytesIO(batch.csv())), pd.read_parquet(BytesIO(batch.parquet()))
    assert list(csv) == list(parquet) and len(csv) == len(parquet) == 4
    codes = list(demo.statements)
    assert set(codes) < set(parquet)
    assert np.allclose(csv[codes], parquet[codes], equal_nan=True)


def test_a_row_opens_on_explain(page, demo, archive, monkeypatch):
    token, batch = begun(archive, demo)
    ended(batch)
    went = []
    monkeypatch.setattr(
        "streamlit.switch_page", lambda page, query_params: went.append(query_params)
    )
    files = list(batch.table()["file"])

    for n, title in enumerate(TITLES):
        app = page("batch", batch=token)
        app.number_input(key="number").set_value(files.index(f"ward/Doe Jane {n}.npy") + 1)
        click(app, "Explain it")
        opened = recordings().get(went[-1]["ecg"])
        assert np.array_equal(opened.ecg().signal, example(title).signal)


def test_an_ecg_opens_with_the_model_of_its_batch_or_it_is_said_that_it_does_not(
    page, models, real_without_ecgs, demo, archive, monkeypatch
):
    token, batch = begun(archive, real_without_ecgs)
    ended(batch)
    went = []
    monkeypatch.setattr(
        "streamlit.switch_page", lambda page, query_params: went.append(query_params)
    )
    app = page("batch", batch=token, bundle="demo")
    row = list(batch.table()["error"]).index("")
    app.number_input(key="number").set_value(row + 1)
    click(app, "Explain it")
    opened = page("explain", **went[-1])
    assert opened.selectbox(key="model").value == "real"
    assert opened.selectbox(key="model").select("demo").run().selectbox(key="model").value == "demo"

    shutil.rmtree(models / "real")
    app = page("batch", batch=token)
    assert "opens with the model that is chosen above" in text(app)
    app.number_input(key="number").set_value(row + 1)
    click(app, "Explain it")
    assert list(went[-1]) == ["ecg"]


def test_a_row_that_could_not_be_read_says_why_without_its_name(page, demo, archive):
    token, batch = begun(archive, demo)
    ended(batch)
    app = page("batch", batch=token)
    number = list(batch.table()["file"]).index("Jane_Doe.pdf") + 1
    click(app.number_input(key="number").set_value(number).run(), "Explain it")

    assert "is a PDF" in app.error[0].value and "Jane" not in text(app)


def test_a_defect_of_the_run_itself_is_told_and_can_be_gone_on_from(
    page, demo, archive, monkeypatch
):
    with monkeypatch.context() as broken:
        broken.setattr("pages.batches.archives.run", lambda *_, **__: 1 / 0)
        token, batch = begun(archive, demo)
        ended(batch)

    app = page("batch", batch=token)
    assert "by a defect; report the number" in app.error[0].value
    click(app, "Go on")
    ended(batch)
    assert batch.complete and not batch.problem


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"PK\x03\x04 nothing", "damaged ZIP archive"),
        (b"no archive", "no ZIP archive"),
        (packed({}), "holds no files"),
        (packed({"[Content_Types].xml": b""}), "Excel or Word"),
    ],
)
def test_an_archive_that_cannot_be_used_is_refused_without_its_name(page, content, message):
    app = upload(page("batch"), content)

    assert message in app.error[0].value and "Jane" not in text(app)
    assert "batch" not in app.query_params


def test_a_batch_that_is_no_longer_kept_is_asked_for_again(page):
    app = page("batch", batch="unknown")

    assert "Upload the archive again" in text(app)
    assert "batch" not in app.query_params


def test_a_removed_batch_leaves_nothing_behind(page, demo, archive, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    token, batch = begun(archive, demo)
    ended(batch)
    (rows,) = tmp_path.rglob("findings.csv")

    app = click(page("batch", batch=token), "Remove this batch")

    assert not rows.parent.exists() and batches().get(token) is None
    assert any(button.label.startswith("Explain all") for button in app.button)


def test_no_batch_outlives_the_server(demo, archive, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    killed = tmp_path / "protoecg-private-killed"
    killed.mkdir()
    (killed / "findings.csv").write_text("file\nDoe Jane\n")

    async def serve() -> None:
        async with lifespan(None):
            assert not killed.exists()
            _, batch = begun(archive, demo)
            ended(batch)
            assert list(tmp_path.rglob("findings.csv"))

    # A browser's test in this process may have a loop of its own in this thread.
    with ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, serve()).result()

    assert not list(tmp_path.rglob("findings.csv"))


def test_batches_go_on_by_turns_and_what_ended_makes_room(demo, archive, gate):
    store = Batches(Runs(), kept=2)
    first, second = (store.begin(archive, demo, Given(500.0)) for _ in range(2))
    while store.get(first).done < 1:
        time.sleep(0.02)
    with pytest.raises(ECGError, match="Too many batches"):
        store.begin(archive, demo, Given(500.0))

    gate.set()
    ended(store.get(first))
    assert store.get(second).done >= 2
    ended(store.get(second))
    assert all(store.get(token).complete for token in (first, second))
    third = store.begin(archive, demo, Given(500.0))
    assert store.get(first) is None and store.get(second) and store.get(third)
    ended(store.get(third))


def test_a_batch_that_waits_can_be_cancelled(demo, archive, gate):
    store = Batches(Runs())
    first, second = (store.begin(archive, demo, Given(500.0)) for _ in range(2))
    store.get(second).stop()
    assert not store.get(second).running and store.get(second).table().empty
    gate.set()
    ended(store.get(first))


def test_an_ecg_of_a_batch_waits_while_a_page_is_being_made_but_not_for_ever(
    demo, archive, monkeypatch
):
    monkeypatch.setattr(archives, "MAX_GIVE_WAY_S", 60.0)
    pages = Runs()
    store = Batches(pages)
    with pages.one():
        batch = store.get(store.begin(archive, demo, 500.0))
        time.sleep(0.5)
        assert batch.running and not batch.done
        begun_s = time.monotonic()
        batch.stop()
        assert time.monotonic() - begun_s < 5
        monkeypatch.setattr(archives, "MAX_GIVE_WAY_S", 0.05)
        batch.start()
        ended(batch)
    assert batch.complete


def test_a_page_counts_as_made_however_its_run_ends():
    pages = Runs()
    with pytest.raises(KeyError), pages.one():
        raise KeyError
    begun_s = time.monotonic()
    pages.let_pass(60.0, threading.Event())
    assert time.monotonic() - begun_s < 5


def test_no_error_of_any_file_tells_its_name_or_what_is_written_in_it(demo):
    name = "Doe_Jane"
    header = b"Doe_Jane 12 500 5000\n" + b"".join(
        b"Doe_Jane.dat 16 1000/Doe 16 0 0 0 0 Doe_Jane\n" for _ in range(12)
    )
    files = {
        "letter.pdf": b"%PDF",
        "signal.dat": b"\1\2",
        "empty": b"",
        "table.csv": b"Doe_Jane,1\n2,3",
        "named.csv": ",".join(["Doe_Jane"] * 12).encode() + b"\n" + b"0," * 11 + b"Doe_Jane",
        "page.xml": b"<Doe_Jane/>",
        "array.npy": npy_of(np.zeros(3, [("Doe_Jane", "f4")])),
        "record.hea": header,
        "foreign.hea": header.replace(b"Doe_Jane.dat", b"/Doe_Jane.dat"),
        "pictures.zip": packed({"Doe_Jane.pdf": b"%PDF"}),
        "two.zip": packed({"Doe_Jane.hea": header, "Doe_Jane2.hea": header}),
        "inner.zip": packed({"Doe_Jane.zip": packed({})}),
        "cut.zip": packed({"Doe_Jane": bytes(999)})[:200],
        "edf": b"0       Doe_Jane" + bytes(300),
        "dicom": bytes(128) + b"DICMDoe_Jane" + bytes(300),
    }
    _, batch = begun(packed({f"{name}/{name} {n}": c for n, c in files.items()}), demo)
    ended(batch)
    rows = batch.table()
    assert len(rows) == len(files) and (rows["error"] != "").all()
    table = findings_table.on_screen(rows, PTBXL, names=False).to_string()
    assert "Doe" not in table and "Jane" not in table
    for row in range(len(rows)):
        with pytest.raises(ECGError) as refused:
            batch.recording(row)
        assert "Doe" not in str(refused.value)


def test_of_a_removed_batch_the_memory_is_free_though_a_page_still_holds_it(demo, archive):
    token, batch = begun(archive, demo)
    ended(batch)
    held = weakref.ref(batch._files)
    batches().remove(token)
    gc.collect()
    assert held() is None
    with pytest.raises(ECGError, match="removed"):
        batch._files.read("x")
