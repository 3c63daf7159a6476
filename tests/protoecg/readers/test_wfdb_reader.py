import io
import os
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
import wfdb
from hypothesis import given, settings
from hypothesis import strategies as st

from protoecg.ecg import LEADS, ECGError
from protoecg.readers import MAX_BYTES, read_ecg, read_path
from protoecg.readers.wfdb_header import parse_header

PTBXL = Path(os.environ.get("PROTOECG_PTBXL") or Path(__file__).parents[3] / "data" / "ptbxl")
RANGE = {"8": 100, "16": 32_000, "24": 8_000_000, "32": 2_000_000_000, "80": 127, "212": 2047}
_connections: list[str] = []


def _note_connections(event, _arguments):
    if event in {"socket.connect", "socket.getaddrinfo"}:
        _connections.append(event)


sys.addaudithook(_note_connections)


def tracing(seconds=10.0, rate=100, seed=0):
    """Return twelve wandering leads within one millivolt; the limb leads agree."""
    t = np.arange(round(seconds * rate)) / rate
    phases = np.random.default_rng(seed).uniform(0, 6, (12, 3, 1))
    signal = sum(np.sin((k + 1) * 3 * t + phases[:, k]) for k in range(3)) / 3.1
    i, ii = signal[:2] / 2
    signal[:6] = i, ii, ii - i, -(i + ii) / 2, i - ii / 2, ii - i / 2
    return signal


def record(folder, signal, *, rate=100, name="ecg", fmt="16", gain=1000.0, unit="mV", **more):
    """Write a record with the wfdb library, and return its files."""
    leads = more.pop("leads", LEADS)
    signal = signal * more.pop("scale", 1)
    wfdb.wrsamp(
        name,
        fs=rate,
        units=[unit] * len(leads),
        sig_name=list(leads),
        p_signal=signal.T.copy(),
        fmt=[fmt] * len(leads),
        adc_gain=[gain] * len(leads),
        baseline=[0] * len(leads),
        write_dir=str(folder),
        **more,
    )
    return {p.name: p.read_bytes() for p in Path(folder).glob(f"{name}.*")}


def header(
    lines=None, first="ecg 12 100 1000", file="ecg.dat", encoding="16 1000(0)/mV 16 0 0 0 0"
):
    lines = lines or [f"{file} {encoding} {lead}" for lead in LEADS]
    return "\n".join([first, *lines]).encode()


def samples(n=1000):
    return (tracing(n / 100).T * 1000).astype("<i2").tobytes()


def files(**of_header):
    return {"ecg.hea": header(**of_header), "ecg.dat": samples()}


@pytest.mark.parametrize("fmt", ["16", "24", "32", "80", "212"])
@pytest.mark.parametrize("rate", [100, 250, 1000])
def test_what_was_written_is_read_in_any_format_and_rate(tmp_path, fmt, rate):
    signal = tracing(rate=rate)
    gain = RANGE[fmt] / 1.05
    ecg = read_ecg(record(tmp_path, signal, rate=rate, fmt=fmt, gain=gain))
    np.testing.assert_allclose(ecg.signal, signal, atol=0.6 / gain + 1e-6)
    assert (ecg.rate, ecg.source, ecg.notes) == (rate, "ecg", ())


@settings(deadline=None, max_examples=20)
@given(
    st.permutations(range(12)), st.sampled_from(["mV", "uV", "V", "nV", "MV", "\u00b5V", "\u03bcV"])
)
def test_order_and_unit_of_the_leads_make_no_difference(order, unit):
    signal = tracing()
    per_unit = {"uv": 1e-3, "\u03bcv": 1e-3, "v": 1e3, "nv": 1e-6}.get(unit.casefold(), 1.0)
    gain = 1000 * per_unit
    lines = [f"ecg.dat 16 {gain!r}(7)/{unit} 16 0 0 0 0 {LEADS[i]}" for i in order]
    content = (signal[order].T * 1000 + 7).round().astype("<i2").tobytes()
    ecg = read_ecg({"ecg.hea": header(lines), "ecg.dat": content})
    np.testing.assert_allclose(ecg.signal, signal, atol=6e-4)
    assert ecg.notes == ()


def in_flac(folder, signal, fmt="516"):
    """FLAC holds eight channels at most, so the chest leads are in a file of their own."""
    limb = record(folder, signal[:6], leads=LEADS[:6], name="limb", fmt=fmt, gain=100.0)
    chest = record(folder, signal[6:], leads=LEADS[6:], name="chest", fmt=fmt, gain=100.0)
    _, *lines = limb.pop("limb.hea").decode().splitlines()
    lines += chest.pop("chest.hea").decode().splitlines()[1:]
    return {"ecg.hea": header(lines, f"ecg 12 100 {signal.shape[1]}"), **limb, **chest}


@pytest.mark.parametrize("fmt", ["508", "516", "524"])
def test_flac_is_read(tmp_path, fmt):
    np.testing.assert_allclose(
        read_ecg(in_flac(tmp_path, tracing(), fmt)).signal, tracing(), atol=0.01
    )


def test_a_flac_file_that_unpacks_to_too_much_is_refused():
    content = io.BytesIO()
    soundfile.write(content, np.zeros((2_600_000, 6), np.int16), 100, format="FLAC")
    flac = content.getvalue()
    lines = [
        f"{file}.dat 516 100 16 0 0 0 0 {lead}"
        for file, lead in zip("a" * 6 + "b" * 6, LEADS, strict=True)
    ]
    given = {"ecg.hea": header(lines, "ecg 12 100"), "a.dat": flac, "b.dat": flac}
    assert sum(map(len, given.values())) < 2_000_000
    with pytest.raises(ECGError, match="holds 31,200,000 samples, at most 15,000,000"):
        read_ecg(given)


@pytest.mark.parametrize("offset", [0, 24])
def test_big_endian_samples_are_read(offset):
    counts = np.round(tracing() * 1000).astype(">i2")
    fmt = f"61+{offset}" if offset else "61"
    lines = [
        f"ecg 12 100 {counts.shape[1]}",
        *(f"ecg.dat {fmt} 1000/mV 16 0 0 0 0 {n}" for n in LEADS),
    ]
    given = {"ecg.hea": "\n".join(lines).encode(), "ecg.dat": b"x" * offset + counts.T.tobytes()}
    np.testing.assert_allclose(read_ecg(given).signal, tracing(), atol=1e-3)


@pytest.mark.parametrize(
    "channel",
    ["16 -19.3/degC 16 0 0 0 0 Temp", "16 0 16 0 0 0 0 Marker", "16:5 200 16 0 0 0 0 Resp"],
)
def test_a_channel_that_is_no_lead_needs_no_gain(channel):
    counts = np.round(np.vstack([tracing(), np.ones(1000)]) * 1000).astype("<i2")
    lines = [
        "ecg 13 100 1000",
        *(f"ecg.dat 16 1000/mV 16 0 0 0 0 {n}" for n in LEADS),
        f"ecg.dat {channel}",
    ]
    given = {"ecg.hea": "\n".join(lines).encode(), "ecg.dat": counts.T.tobytes()}
    np.testing.assert_allclose(read_ecg(given).signal, tracing(), atol=1e-3)


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_the_micro_sign_is_read_in_old_and_new_encodings(encoding):
    text = header(encoding="16 1(0)/uV 16 0 0 0 0").decode().replace("uV", "\u00b5V")
    ecg = read_ecg({"ecg.hea": text.encode(encoding), "ecg.dat": samples()})
    assert 0.5 < ecg.signal.max() < 1.5


def test_a_mat_file_with_its_offset_is_read():
    lines = [f"ecg.mat 16+24 1000/mV 16 0 0 0 0 {lead}" for lead in LEADS]
    first = "ecg.mat 12 100 1000 05-May-2020 09:49:17"
    ecg = read_ecg({"ecg.hea": header(lines, first), "ecg.mat": b"\x01" * 24 + samples()})
    np.testing.assert_allclose(ecg.signal, tracing(), atol=2e-3)


def test_leads_in_two_files_and_channels_in_a_third_are_read_without_the_third():
    limb, chest = tracing()[:6], tracing()[6:]
    lines = [f"a.dat 16 1000 16 0 0 0 0 {lead}" for lead in LEADS[:6]]
    lines += [f"b.dat 16 1000 16 0 0 0 0 {lead}" for lead in LEADS[6:]]
    lines += [f"c.xyz 16 1000 16 0 0 0 0 v{axis}" for axis in "xyz"]
    parts = {
        n: (s.T * 1000).astype("<i2").tobytes() for n, s in (("a.dat", limb), ("b.dat", chest))
    }
    ecg = read_ecg({"x.hea": header(lines, "x 15 100 1000"), **parts})
    np.testing.assert_allclose(ecg.signal, tracing(), atol=2e-3)


def test_frames_of_several_samples_are_unrolled():
    signal = tracing(rate=500)
    content = (signal.reshape(12, 10, 500).transpose(1, 0, 2) * 1000).astype("<i2").tobytes()
    lines = [f"ecg.dat 16x500 1000 16 0 0 0 0 {lead}" for lead in LEADS]
    ecg = read_ecg({"ecg.hea": header(lines, "ecg 12 1 10"), "ecg.dat": content})
    assert ecg.rate == 500
    np.testing.assert_allclose(ecg.signal, signal, atol=2e-3)


def test_a_missing_length_is_taken_from_the_signal_file():
    assert read_ecg(files(first="ecg 12 100")).duration == 10


@pytest.mark.parametrize("name", ["ecg.hea", "ecg.dat", "ecg"])
def test_on_disk_any_file_of_the_record_names_it(tmp_path, name):
    record(tmp_path, tracing())
    np.testing.assert_allclose(read_path(tmp_path / name).signal, tracing(), atol=1e-3)


@pytest.mark.parametrize("header_name", ["ecg.hea", "ECG.HEA", "ecg.HEA"])
@pytest.mark.parametrize("signal_name", ["ecg.dat", "ECG.DAT", "ecg.DAT"])
@pytest.mark.parametrize("named", ["header", "signal", "record"])
def test_on_disk_the_files_of_a_record_may_differ_in_case(
    tmp_path, header_name, signal_name, named
):
    given = files()
    (tmp_path / header_name).write_bytes(given["ecg.hea"])
    (tmp_path / signal_name).write_bytes(given["ecg.dat"])
    name = {"header": header_name, "signal": signal_name, "record": "ecg"}[named]
    assert read_path(tmp_path / name).duration == 10


def test_on_disk_the_file_of_the_very_name_comes_first(tmp_path):
    record(tmp_path, tracing())
    for ending in ("HEA", "DAT"):
        (tmp_path / f"ECG.{ending}").write_bytes(b"of another record")
    np.testing.assert_allclose(read_path(tmp_path / "ecg").signal, tracing(), atol=1e-3)


def test_a_folder_in_place_of_a_file_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ECGError, match="Cannot read"):
        read_path(Path())


def test_a_missing_file_on_disk_is_named(tmp_path):
    with pytest.raises(ECGError, match=r"Cannot read .*nowhere"):
        read_path(tmp_path / "nowhere")


def test_the_signal_file_may_differ_in_case_and_stand_in_a_folder():
    given = files()
    ecg = read_ecg({"study/ECG.HEA": given["ecg.hea"], "study\\ECG.DAT": given["ecg.dat"]})
    assert ecg.duration == 10


def test_the_header_is_known_by_its_content():
    given = files()
    assert read_ecg({"header.txt": given["ecg.hea"], "ecg.dat": given["ecg.dat"]}).duration == 10


FOREIGN_NAMES = [
    "../ecg.dat", "..", "/etc/passwd", "a/b.dat", "..\\ecg.dat", "C:\\x.dat", "c:x.dat", "~/x.dat",
    "~", "-", "http://host/x.dat", "s3://bucket/x.dat", "file:///etc/passwd", ".hidden", "a;b|c",
    "\\\\host\\x.dat", "$HOME", "%2e%2e%2fx.dat", "*", "x::y",
]  # fmt: skip


@pytest.mark.parametrize("name", FOREIGN_NAMES)
def test_a_header_that_names_files_outside_its_own_folder_is_refused(name):
    before = len(_connections)
    with pytest.raises(ECGError, match="names files outside its own folder"):
        read_ecg({"ecg.hea": header(file=name), "ecg.dat": samples(), name: samples()})
    assert len(_connections) == before


def test_a_foreign_name_is_refused_from_disk_even_if_the_file_is_there(tmp_path):
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "ecg.dat").write_bytes(samples())
    (inner / "ecg.hea").write_bytes(header(file="../ecg.dat"))
    with pytest.raises(ECGError, match="names files outside its own folder"):
        read_path(inner / "ecg")


@given(st.text(min_size=1, max_size=30).filter(lambda t: not t[0].isspace()))
def test_an_accepted_file_name_is_one_name_in_one_folder(name):
    try:
        channels = parse_header(header(file=name)).channels
    except ECGError:
        return
    for channel in channels:
        assert Path(channel.file).name == channel.file
        assert not set(channel.file) & set("/\\:~\0")
        assert channel.file not in {".", ".."}


def test_reading_leaves_nothing_behind_and_opens_no_connection(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = len(_connections)
    read_ecg(files())
    assert list(tmp_path.iterdir()) == []
    assert len(_connections) == before


def test_a_record_of_twenty_megabytes_is_in_memory_once():
    n = MAX_BYTES // 24 - 1000
    content = np.tile((tracing().T * 1000).astype("<i2"), (n // 1000 + 1, 1))[:n].tobytes()
    given = {"ecg.hea": header(first=f"ecg 12 100 {n}"), "ecg.dat": content}
    tracemalloc.start()
    read_ecg(given, start=8000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 180_000_000


def test_who_the_patient_is_is_not_kept():
    text = header(first="ecg 12 100 1000 09:49:17 05/05/2020").decode()
    text = f"# Name: Jane Doe\n{text}\n# ID 4711\n#<name> Jane Doe"
    ecg = read_ecg({"ecg.hea": text.encode(), "ecg.dat": samples()})
    kept = repr((ecg.source, ecg.notes, parse_header(text.encode())))
    assert not any(word in kept for word in ("Jane", "Doe", "4711"))


@pytest.mark.parametrize(
    ("comments", "words"),
    [
        # PTB-XL and others as the PhysioNet challenges give them, LUDB, and PTB.
        ("#Age: 64\n#Sex: Female\n#Dx: 426783006", "64 years · female"),
        ("#<age>: 51\n#<sex>: F\n#<diagnoses>:", "51 years · female"),
        ("# age: 81\n# sex: male\n# ECG date: 01/10/1990", "81 years · male"),
        ("# age: 81 sex: male", "81 years · male"),
        ("#Age: NaN\n#Sex: Unknown", ""),
        ("#Age: 300", "90+ years"),
        ("#Age: 1e9\n#Sex: " + "f" * 900, ""),
        ("#Age: 4711\n#Image: 64", ""),
        ("# Name: Jane Doe, 64, F", ""),
    ],
)
def test_age_and_sex_are_kept_where_comments_say_them(comments, words):
    content = header() + f"\n{comments}".encode()
    assert read_ecg({"ecg.hea": content, "ecg.dat": samples()}).taken.words == words


@pytest.mark.parametrize(
    ("begins", "words"),
    [
        ("10:42:05 03/03/2021", "2021-03-03 10:42"),
        ("9:02:05.250 3/3/2021", "2021-03-03 09:02"),
        ("25:00:00 03/03/2021", "2021-03-03"),
        ("10:42:05", ""),
        ("10:42:05 31/02/2021", ""),
        # MIMIC's days are moved a century.
        ("10:42:05 17/08/2138", ""),
        ("Jane Doe", ""),
    ],
)
def test_the_time_of_the_recording_is_kept_where_it_can_be(begins, words):
    content = header(first=f"ecg 12 100 1000 {begins}")
    assert read_ecg({"ecg.hea": content, "ecg.dat": samples()}).taken.words == words


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (files(first="ecg/3 12 100 1000"), "list of segments"),
        (files(first="ecg 12"), "no sampling rate"),
        (files(first="ecg 12 0 1000"), "sampling rate is 0 Hz"),
        (files(first="ecg 12 99999999 1000"), "sampling rate"),
        (files(first="ecg 12 100 999999999999"), "ends after 1,000 of 999,999,999,999"),
        (files(first="ecg 999999999 100 1000"), "999999999 channels"),
        (files(first="ecg 0 100 1000"), "0 channels"),
        (files(first="ecg 13 100 1000"), "describes 12"),
        (files(first="ecg 12 100 500"), "lasts 5.0 s"),
        (files(encoding="16 0(0)/mV 16 0 0 0 0"), "gain of 0"),
        (files(encoding="16 -5(0)/mV 16 0 0 0 0"), "gain of -5"),
        (files(encoding="16 1e300(0)/mV 16 0 0 0 0"), "gain of 1e300"),
        (files(encoding="16 1e-300(0)/mV 16 0 0 0 0"), "gain of 1e-300"),
        (files(encoding="16 0.0001(0)/mV 16 0 0 0 0"), "microvolts or raw counts"),
        (files(encoding="516 1000(0)/mV 16 0 0 0 0"), "signal file is not the FLAC file"),
        (files(encoding="517 1000(0)/mV 16 0 0 0 0"), "format 517"),
        (files(encoding="0 1000(0)/mV 16 0 0 0 0"), "format 0"),
        (files(encoding="16x999999999 1000(0)/mV 16 0 0 0 0"), "samples a frame"),
        (files(encoding="16x0 1000(0)/mV 16 0 0 0 0"), "samples a frame"),
        (files(encoding="16+999999999 1000(0)/mV 16 0 0 0 0"), "ends after 0"),
        (files(encoding="sixteen"), "line of channel 1 of the header is not understood"),
        (files(lines=["e.dat 16" + " " * 5000 + "x"] * 12), "longer than any"),
        (files(lines=["e.dat 16" + " " * 90_000 + "x"] * 12), "too many for a WFDB header"),
        (
            files(
                lines=[
                    f"{f}.dat 16 1000 0 0 0 0 0 {x}" for f, x in zip("ab" * 6, LEADS, strict=True)
                ]
            )
            | {"a.dat": samples(), "b.dat": samples()},
            "mixes the signals of several files",
        ),
        ({"ecg.hea": header()}, "without the signal file that it names"),
        ({"ecg.hea": header(), "b.dat": samples()}, "without the signal file that it names"),
        ({"ecg.dat": samples()}, "without its header"),
        ({"ecg.hea": header(), "ecg.dat": samples(999)}, "ends after 999 of 1,000"),
        ({"ecg.hea": header(), "ecg.dat": b""}, "ends after 0"),
        ({"ecg.hea": header(), "ecg.dat": b"MATLAB 5.0 MAT-file" + samples()}, "MATLAB 5"),
        ({"a.hea": header(), "b.hea": header(), "ecg.dat": samples()}, "Found 2 ECGs"),
        ({"ecg.dat": samples(), "other.dat": samples()}, "Found 2 files without a WFDB header"),
        ({}, "Found no files"),
        ({"big.dat": bytes(MAX_BYTES + 1)}, "at most 20 MB"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(given, words):
    with pytest.raises(ECGError, match=words):
        read_ecg(given)


def test_invalid_samples_are_missing_samples():
    content = np.frombuffer(samples(), "<i2").copy()
    content[12 * 300 + 1] = -(2**15)
    with pytest.raises(ECGError, match=r"missing in lead II \(first in II at 3.00 s\)"):
        read_ecg({"ecg.hea": header(), "ecg.dat": content.tobytes()})


def test_what_is_assumed_is_said():
    lines = [f"ecg.dat 16 1000/NU 16 0 0 0 0 {lead}" for lead in LEADS[:11]] + ["ecg.dat 16 V6"]
    notes = " ".join(read_ecg(files(lines=lines)).notes)
    assert f"The unit of leads {', '.join(LEADS[:11])} is unknown: millivolts" in notes
    assert "no gain for V6: 200 units a millivolt" in notes


def test_the_files_own_rate_counts_and_another_is_noted():
    assert read_ecg(files(), rate=100).notes == ()
    ecg = read_ecg(files(), rate=500)
    assert ecg.rate == 100
    assert "says 100 Hz; the given 500 Hz were not used" in " ".join(ecg.notes)


def test_samples_that_do_not_fit_the_checksum_are_noted(tmp_path):
    given = record(tmp_path, tracing())
    altered = bytearray(given["ecg.dat"])
    altered[24 * 500 + 4] ^= 0xFF
    notes = read_ecg({**given, "ecg.dat": bytes(altered)}).notes
    assert notes[0].startswith("The samples of III differ from the header's checksum")


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_a_damaged_header_is_read_or_refused_but_never_breaks(data):
    content = bytearray(header())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.sampled_from(list(b" /.-~0129()+x:e\n\t#\xb5\x00A")))
    try:
        ecg = read_ecg({"ecg.hea": bytes(content), "ecg.dat": samples()})
    except ECGError:
        return
    assert ecg.signal.shape[0] == 12


@pytest.mark.skipif(not (PTBXL / "records100").is_dir(), reason="no PTB-XL at PROTOECG_PTBXL")
def test_ptbxl_is_read_as_the_wfdb_library_reads_it():
    headers = sorted((PTBXL / "records100").glob("*/*.hea"))[::2000]
    for path in headers:
        ecg = read_path(path)
        expected = wfdb.rdrecord(str(path.with_suffix("")))
        np.testing.assert_allclose(ecg.signal, expected.p_signal.T, atol=1e-6)
        assert (ecg.rate, ecg.notes) == (100, ())


def test_a_skewed_lead_is_read_from_where_the_record_begins():
    signal = tracing(12)
    late = [
        np.concatenate([np.zeros(5), row[:-5]]) if i == 6 else row for i, row in enumerate(signal)
    ]
    lines = [
        f"ecg.dat 16{':5' if lead == 'V1' else ''} 1000(0)/mV 16 0 0 7 0 {lead}" for lead in LEADS
    ]
    content = (np.array(late).T * 1000).round().astype("<i2").tobytes()
    ecg = read_ecg({"ecg.hea": header(lines, first="ecg 12 100 1200"), "ecg.dat": content})
    np.testing.assert_allclose(ecg.signal, signal[:, :1000], atol=1e-3)
    assert any("50 ms" in note and "aligned" in note for note in ecg.notes)


def segmented(folder, signal, *, gap=0, layout=True):
    """A record of two segments, perhaps with nothing between them."""
    half = signal.shape[1] // 2
    parts = {
        **record(folder, signal[:, :half], name="one"),
        **record(folder, signal[:, half:], name="two", unit="uV", gain=1.0, scale=1000),
    }
    names = [("whole_layout", 0)] * layout + [("one", half)] + [("~", gap)] * bool(gap)
    names += [("two", signal.shape[1] - half)]
    lines = [f"{name} {frames}" for name, frames in names]
    first = f"whole/{len(names)} 12 100 {signal.shape[1] + gap}"
    files = {"whole.hea": header(lines, first=first), **parts}
    if layout:
        rows = [f"~ 0 1000(0)/mV 16 0 0 0 0 {lead}" for lead in LEADS]
        files["whole_layout.hea"] = header(rows, first="whole_layout 12 100 0")
    return files


@pytest.mark.parametrize("layout", [True, False])
def test_segments_are_joined_in_their_order(tmp_path, layout):
    signal = tracing(12)
    files = segmented(tmp_path, signal, layout=layout)
    ecg = read_ecg(files)
    np.testing.assert_allclose(ecg.signal, signal[:, :1000], atol=1.1e-3)
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    np.testing.assert_array_equal(read_path(tmp_path / "whole.hea").signal, ecg.signal)


def test_time_between_segments_is_missing_and_not_left_out(tmp_path):
    files = segmented(tmp_path, tracing(24), gap=300)
    with pytest.raises(ECGError, match="Samples are missing"):
        read_ecg(files, start=5)
    np.testing.assert_allclose(
        read_ecg(files, start=15).signal, tracing(24)[:, 1200:2200], atol=1.1e-3
    )


def test_a_segment_that_was_not_given_is_asked_for(tmp_path):
    files = segmented(tmp_path, tracing(12))
    del files["two.hea"]
    with pytest.raises(ECGError, match="not all of their headers were given"):
        read_ecg(files)


@pytest.mark.parametrize(
    "lines",
    [["../one 600", "two 600"], ["one 600"], ["one 600", "two 999999999999"], ["one", "two"]],
)
def test_a_damaged_list_of_segments_is_refused(lines):
    with pytest.raises(ECGError, match="list of segments|more than are read"):
        read_ecg({"ecg.hea": header(lines, first="ecg/2 12 100 1200")})


def test_a_record_that_is_a_segment_of_itself_is_refused(tmp_path):
    (tmp_path / "ecg.hea").write_bytes(header(["ecg 1200"], first="ecg/1 12 100 1200"))
    with pytest.raises(ECGError, match="record of several segments itself"):
        read_path(tmp_path / "ecg.hea")


def test_segments_of_more_bytes_than_are_read_are_refused_before_all_are(tmp_path):
    names = [f"s{n}" for n in range(5)]
    for name in names:
        lines = [f"{name}.dat 16 1000(0)/mV 16 0 0 0 0 {lead}" for lead in LEADS]
        (tmp_path / f"{name}.hea").write_bytes(header(lines, first=f"{name} 12 100 600"))
        (tmp_path / f"{name}.dat").write_bytes(bytes(MAX_BYTES // 2))
    lines = [f"{name} 600" for name in names]
    (tmp_path / "all.hea").write_bytes(header(lines, first="all/5 12 100 3000"))
    with pytest.raises(ECGError, match="at most 20 MB are read"):
        read_path(tmp_path / "all.hea")


@pytest.mark.parametrize("more", [{"rate": 200}, {"unit": "mmHg"}])
def test_a_segment_that_is_unlike_the_record_is_refused(tmp_path, more):
    files = segmented(tmp_path, tracing(24))
    part = record(tmp_path, tracing(24)[:, :1200], name="one", **more)
    with pytest.raises(ECGError, match="another length, rate or unit"):
        read_ecg(files | part)


def test_a_segment_of_another_length_is_refused_before_it_is_read(tmp_path):
    files = segmented(tmp_path, tracing(24))
    files["one.hea"] = files["one.hea"].replace(b"1200", b"1100", 1)
    with pytest.raises(ECGError, match="another length, rate or unit"):
        read_ecg(files)
