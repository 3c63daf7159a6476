import io
import struct
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from protoecg.ecg import LEADS, ECGError
from protoecg.readers import read_ecg
from protoecg.simulate import example

ECG = example("Atrial fibrillation")
AECG = (Path(__file__).parent / "corpus" / "hl7_aecg.xml").read_bytes()
CSV = "\n".join(
    [",".join(("time (s)", *LEADS))]
    + [",".join(f"{v:.3f}" for v in (n / 500, *row)) for n, row in enumerate(ECG.signal.T.tolist())]
).encode()
HEADER = "\n".join(
    ["ecg 12 500 5000", *(f"ecg.dat 16 1000 16 0 0 0 0 {lead}" for lead in LEADS)]
).encode()
DAT = np.round(ECG.signal.T * 1000).astype("<i2").tobytes()


def packed(files, kind=zipfile.ZIP_DEFLATED):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", kind) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return content.getvalue()


def npz(**arrays):
    content = io.BytesIO()
    np.savez_compressed(content, **arrays)
    return content.getvalue()


def read(content, **options):
    return read_ecg({"upload": content}, **options)


GOOD = packed({"study/ecg.hea": HEADER, "study/ecg.dat": DAT})


@pytest.mark.parametrize(
    "files",
    [
        {"study/ecg.hea": HEADER, "study/ecg.dat": DAT},
        {"ecg.csv": CSV},
        {"report.pdf": b"%PDF-1.7", "README": b"Select the ECG.", "ecg.xml": AECG},
        {"ecg.xml": AECG, "__MACOSX/._ecg.xml": b"\0", ".DS_Store": b"\0"},
    ],
)
@pytest.mark.parametrize("kind", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_one_ecg_of_an_archive_is_read(files, kind):
    ecg = read(packed(files, kind))
    signal = ECG.signal if ecg.rate == 500 else ecg.signal
    np.testing.assert_allclose(ecg.signal, signal, atol=1e-3)


def test_a_record_is_found_whatever_folders_and_separators_its_names_have():
    ecg = read(packed({"a\\ecg.hea": HEADER, "b/ecg.dat": DAT}))
    np.testing.assert_allclose(ecg.signal, ECG.signal, atol=1e-3)


def test_npz_gives_leads_names_and_rate():
    order = np.random.default_rng(0).permutation(12)
    ecg = read(npz(signal=ECG.signal[order], leads=np.array(LEADS)[order], fs=500))
    np.testing.assert_array_equal(ecg.signal, ECG.signal)
    assert (ecg.rate, ecg.notes) == (500, ())


def test_npz_with_the_samples_alone_is_read_like_npy():
    ecg = read(npz(arr_0=ECG.signal.T), rate=500)
    np.testing.assert_array_equal(ecg.signal, ECG.signal)
    assert "names no leads" in ecg.notes[0]


def test_the_rate_in_an_npz_counts_and_another_is_noted():
    ecg = read(npz(x=ECG.signal, sampling_rate=np.float32(500)), rate=250)
    assert ecg.rate == 500
    assert "says 500 Hz; the given 250 Hz were not used" in " ".join(ecg.notes)


def test_nothing_is_written_wherever_a_name_points(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name in ("../out.csv", "/tmp/out.csv", "C:\\out.csv", "..\\..\\out.csv"):
        assert read(packed({name: CSV})).rate == 500
    assert list(tmp_path.iterdir()) == []


def bomb(size):
    """A file of `size` zeros that says it has five bytes."""
    content = bytearray(packed({"ecg.csv": bytes(size)}))
    for at in (22, content.index(b"PK\x01\x02") + 24):
        content[at : at + 4] = struct.pack("<I", 5)
    return bytes(content)


def overlapping():
    """Many entries of the directory that all name the same packed file."""
    content = bytearray(packed({f"{i:03d}.csv": bytes(10_000_000) for i in range(1)}))
    start = content.index(b"PK\x01\x02")
    entry = bytes(content[start : content.index(b"PK\x05\x06")])
    entries = b"".join(entry.replace(b"000.csv", b"%03d.csv" % i) for i in range(400))
    end = struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, 400, 400, len(entries), start, 0)
    return bytes(content[:start]) + entries + end


def oddly_spelt():
    """A directory of 20,000 files whose end record holds its own mark once more, in a number."""
    content = packed({"ecg.csv": b""}, zipfile.ZIP_STORED)
    start, end = content.index(b"PK\1\2"), content.index(b"PK\5\6")
    entries = content[start:end] * 20_000
    record = struct.pack("<4s4sHHIIH", b"PK\5\6", b"PK\5\6", 1, 1, len(entries), start, 0)
    return content[:start] + entries + record


def encrypted():
    content = bytearray(GOOD)
    content[content.index(b"PK\x01\x02") + 8] |= 1
    content[6] |= 1
    return bytes(content)


def nested(depth):
    content = CSV
    for _ in range(depth):
        content = packed({"inner": content})
    return content


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (lambda: nested(2), "holds a ZIP archive inside"),
        (lambda: packed({"a": bytes(30_000_000)}), "unpacks to more than 20 MB"),
        (lambda: packed({"a": bytes(15_000_000), "b": bytes(15_000_000)}), "more than 20 MB"),
        (lambda: bomb(30_000_000), "damaged ZIP|more than 20 MB"),
        (overlapping, "more than 20 MB|damaged ZIP"),
        (lambda: packed({str(i): b"" for i in range(501)}), "more than 500 files"),
        (lambda: packed({str(i): b"" for i in range(5_000)}), "more than 500 files"),
        (oddly_spelt, "more than 500 files"),
        (lambda: npz(a=np.zeros((12, 0)), words=np.zeros(3_000_000, "<U0")), "damaged"),
        (
            lambda: npz(a=ECG.signal, leads=np.zeros(3_000_000, "<U1"), fs=500),
            "more than 256 names",
        ),
        (encrypted, "encrypted or packed in a rare way"),
        (lambda: packed({"ecg.csv": CSV}, zipfile.ZIP_LZMA), "packed in a rare way"),
        (lambda: packed({"[Content_Types].xml": b"", "xl/a.xml": b""}), "an Excel or Word file"),
        (lambda: packed({"a/ecg.csv": CSV, "b/ecg.csv": CSV}), "several files of one name"),
        (lambda: packed({"a.xml": AECG, "b.xml": AECG}), "Found 2 files"),
        (lambda: packed({"a.hea": HEADER, "b.hea": HEADER, "ecg.dat": DAT}), "Found 2 ECGs"),
        (lambda: packed({"ecg.hea": HEADER}), "without the signal file that it names"),
        (lambda: packed({}), "Found no files"),
        (lambda: packed({"report.pdf": b"%PDF-1.7"}), "report.pdf is a PDF"),
        (lambda: GOOD[:-500], "a damaged ZIP archive"),
        (lambda: GOOD[:100], "a damaged ZIP archive"),
        (lambda: b"PK\x05\x06" + bytes(18), "Found no files"),
        (lambda: npz(a=ECG.signal, b=ECG.signal, fs=500), "holds 2 arrays of two dimensions"),
        (lambda: npz(fs=500), "holds 0 arrays of two dimensions"),
        (lambda: npz(a=ECG.signal, leads=np.array(LEADS[:11]), fs=500), "has the shape"),
        (lambda: npz(a=ECG.signal), "does not say its sampling rate"),
        (lambda: npz(a=np.array([[None] * 12])), "holds object"),
        (lambda: npz(a=ECG.signal, fs=np.nan), "sampling rate"),
    ],
)
def test_what_is_no_ecg_is_refused_soon_and_with_the_reason(content, words):
    content = content()
    began = time.process_time()
    with pytest.raises(ECGError, match=words):
        read(content)
    assert time.process_time() - began < 2
