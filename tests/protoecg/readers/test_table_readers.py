import csv
import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protoecg.ecg import LEADS, ECGError
from protoecg.readers import read_ecg, read_path


def tracing(seconds=10.0, rate=100):
    """Return twelve wandering leads within one millivolt; the limb leads agree."""
    t = np.arange(round(seconds * rate)) / rate
    phases = np.random.default_rng(1).uniform(0, 6, (12, 3, 1))
    signal = sum(np.sin((k + 1) * 3 * t + phases[:, k]) for k in range(3)) / 3.1
    i, ii = signal[:2] / 2
    signal[:6] = i, ii, ii - i, -(i + ii) / 2, i - ii / 2, ii - i / 2
    return signal


def table(columns, names=None, *, delimiter=",", decimal=".", end="\n"):
    """Write columns as CSV text."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator=end)
    if names:
        writer.writerow(names)
    rows = ([f"{v:.6g}".replace(".", decimal) for v in row] for row in np.asarray(columns).T)
    writer.writerows(rows)
    return out.getvalue()


def read_text(text, rate=None, encoding="utf-8"):
    return read_ecg({"ecg.csv": text.encode(encoding)}, rate=rate)


def npy(array, **options):
    out = io.BytesIO()
    np.save(out, array, **options)
    return out.getvalue()


def with_time(signal, rate, per_second=1.0):
    return np.concatenate([[np.arange(signal.shape[1]) / rate * per_second], signal])


@settings(deadline=None, max_examples=30)
@given(
    st.sampled_from([(",", "."), (";", "."), ("\t", "."), (";", ","), ("\t", ",")]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.permutations(range(12)),
)
def test_delimiter_decimal_sign_encoding_and_order_make_no_difference(
    dialect, end, encoding, order
):
    signal = tracing()
    names = [LEADS[i] for i in order]
    text = table(signal[order], names, delimiter=dialect[0], decimal=dialect[1], end=end)
    ecg = read_text(text, 100, encoding)
    np.testing.assert_allclose(ecg.signal, signal, atol=1e-5)
    assert (ecg.rate, ecg.source, ecg.notes) == (100, "ecg.csv", ())


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("in_the_header", [True, False])
def test_a_delimiter_at_the_end_of_each_row_adds_no_column(delimiter, in_the_header):
    header, *rows = table(tracing(), LEADS, delimiter=delimiter).splitlines()
    lines = [header + delimiter * in_the_header, *(row + delimiter for row in rows)]
    ecg = read_text("\n".join(lines), 100)
    np.testing.assert_allclose(ecg.signal, tracing(), atol=1e-5)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_row_without_any_number_is_a_missing_sample(delimiter):
    lines = table(tracing(), LEADS, delimiter=delimiter).splitlines()
    lines[500] = delimiter * 11
    with pytest.raises(ECGError, match="Samples are missing"):
        read_text("\n".join(lines), 100)


@pytest.mark.parametrize("rate", [100, 128, 360, 500, 1000])
@pytest.mark.parametrize(
    ("heading", "per_second"),
    [("time (s)", 1), ("Time [ms]", 1000), ("time_ms", 1000), ("t", 1), ("Elapsed time", 1)],
)
def test_the_rate_is_taken_from_the_time_column(rate, heading, per_second):
    signal = tracing(rate=rate)
    text = table(with_time(signal, rate, per_second), [heading, *LEADS])
    ecg = read_text(text)
    assert ecg.rate == rate
    np.testing.assert_allclose(ecg.signal, signal, atol=1e-5)


def same(ecg, signal, rate=100):
    np.testing.assert_allclose(ecg.signal, signal, atol=2e-3)
    assert ecg.rate == rate


def test_names_in_a_comment_place_the_leads():
    text = table(tracing()[::-1])
    same(read_text(f"# {','.join(LEADS[::-1])}\n{text}", 100), tracing())


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("index", [False, True])
def test_column_numbers_are_no_sample_and_row_numbers_no_lead(first, index):
    columns = [str(i + first) for i in range(12)]
    rows = np.arange(1000)[None]
    text = table(tracing(), columns)
    if index:
        text = table(np.concatenate([rows, tracing()]), ["", *columns])
    ecg = read_text(text, 100)
    same(ecg, tracing())
    assert "order I, II, III" in " ".join(ecg.notes)


def test_eight_leads_are_enough_as_in_other_formats():
    eight = [0, 1, *range(6, 12)]
    ecg = read_text(table(tracing()[eight], [LEADS[i] for i in eight]), 100)
    same(ecg, tracing())
    assert "Computed from I and II" in " ".join(ecg.notes)


def clock(i):
    return f"'{i // 6000}:{i / 100 % 60:06.3f}'"


def date(i):
    return (
        f"2020-01-31T23:59:{55 + i / 100:09.6f}"
        if i < 500
        else f"2020-02-01T00:00:{i / 100 - 5:09.6f}"
    )


@pytest.mark.parametrize(
    ("heading", "units", "cell"),
    [
        ("'Elapsed time'", "'hh:mm:ss.mmm'", clock),
        (
            "time",
            None,
            lambda i: f"23:59:{55 + i / 100:06.3f}" if i < 500 else f"00:00:{i / 100 - 5:06.3f}",
        ),
        ("timestamp", None, date),
        ("time (us)", None, lambda i: str(10_000 * i)),
        ("time_us", None, lambda i: str(10_000 * i)),
        ("time", "ns", lambda i: str(10_000_000 * i)),
        ("time", None, lambda i: str(10_000 * i)),
    ],
)
def test_times_are_read_as_clocks_dates_and_small_units(heading, units, cell):
    rows = table(tracing()).splitlines()
    lines = [",".join([heading, *LEADS])]
    if units:
        lines.append(",".join([units, *["mV"] * 12]))
    lines += [f"{cell(i)},{row}" for i, row in enumerate(rows)]
    same(read_text("\n".join(lines)), tracing())


@pytest.mark.parametrize("delimiter", [",", ";", "\t", " "])
@pytest.mark.parametrize("unit", ["", " (uV)"])
def test_a_row_may_be_a_lead(delimiter, unit):
    scale = 1000 if unit else 1
    if delimiter == " " and unit:
        unit = "(uV)"
    rows = [
        delimiter.join([f"{lead}{unit}", *(f"{v * scale:.4f}" for v in values)])
        for lead, values in zip(LEADS[::-1], tracing()[::-1], strict=True)
    ]
    same(read_text("\n".join(["# a device's line", *rows]), 100), tracing())


def test_columns_may_be_parted_by_spaces():
    signal = tracing()
    lines = ["  ".join(LEADS), *("   ".join(f"{v:.4f}" for v in row) for row in signal.T)]
    same(read_text("\n".join(lines), 100), signal)


@pytest.mark.parametrize("named", [True, False])
def test_lines_before_the_table_may_give_the_rate(named):
    body = table(tracing(rate=250), LEADS if named else None)
    text = f"Name,Jane Doe\nSampling rate (Hz),250\n\n{body}"
    ecg = read_text(text) if named else read_text(text, 250)
    same(ecg, tracing(rate=250), 250)
    assert "Doe" not in repr(ecg)


def test_quoted_decimal_commas_are_numbers():
    rows = [",".join(f'"{v:.4f}"'.replace(".", ",") for v in row) for row in tracing().T]
    same(read_text("\n".join([",".join(LEADS), *rows]), 100), tracing())


def test_a_row_that_names_only_some_leads_is_never_taken_for_a_title():
    with pytest.raises(ECGError, match="Missing lead V6"):
        read_text(table(tracing(), [*LEADS[:11], "chest"]), 100)


@pytest.mark.parametrize("heading", ["t", "time"])
def test_a_column_that_may_count_samples_does_not_give_the_rate(heading):
    signal = tracing(rate=500)
    text = table(np.concatenate([[np.arange(signal.shape[1])], signal]), [heading, *LEADS])
    with pytest.raises(ECGError, match="samples or milliseconds. Give the rate in Hz"):
        read_text(text)
    ecg = read_text(text, 500)
    assert ecg.rate == 500 and ecg.signal.shape == signal.shape
    assert "names no unit: the given 500 Hz are used" in " ".join(ecg.notes)


def test_times_rounded_to_milliseconds_still_give_the_rate():
    time = np.round(np.arange(3600) / 360, 3)
    text = table(np.concatenate([[time], tracing(rate=360)]), ["time (s)", *LEADS])
    assert read_text(text).rate == 360


def test_a_time_column_without_unit_is_noted():
    text = table(with_time(tracing(rate=500), 500, 1000), ["time", *LEADS])
    assert "milliseconds are assumed, 500 Hz" in " ".join(read_text(text).notes)


@pytest.mark.parametrize(
    ("spelling", "factor"),
    [
        ("{} (mV)", 1),
        ("{} [uV]", 1e3),
        ("{}_uV", 1e3),
        ("{} (\u00b5V)", 1e3),
        ("Lead {} (V)", 1e-3),
    ],
)
def test_the_unit_beside_the_name_counts(spelling, factor):
    text = table(tracing() * factor, [spelling.format(lead) for lead in LEADS])
    ecg = read_text(text, 100)
    np.testing.assert_allclose(ecg.signal, tracing(), atol=1e-4)
    assert ecg.notes == ()


def test_a_second_row_with_units_is_read_as_physionet_writes_it():
    text = table(with_time(tracing() * 1000, 100), ["'Elapsed time'", *[f"'{x}'" for x in LEADS]])
    first, rest = text.split("\n", 1)
    units = ",".join(["'seconds'", *["'uV'"] * 12])
    ecg = read_text(f"{first}\n{units}\n{rest}")
    assert ecg.rate == 100
    np.testing.assert_allclose(ecg.signal, tracing(), atol=1e-4)


def test_an_unknown_unit_is_noted():
    names = ["I (counts)", *LEADS[1:]]
    notes = read_text(table(tracing(), names), 100).notes
    assert notes[0] == "The unit of lead I (counts) is unknown: millivolts are assumed (--unit)."


def test_lines_about_the_patient_before_the_table_are_passed_over_and_not_kept():
    text = "Name,Jane Doe\n# ID 4711\nBorn,1950\n\n" + table(tracing(), LEADS)
    ecg = read_text(text, 100)
    np.testing.assert_allclose(ecg.signal, tracing(), atol=1e-5)
    assert "Doe" not in repr((ecg.source, ecg.notes))


def test_other_columns_are_left_out_whatever_is_in_them():
    lines = table(tracing(), LEADS).splitlines()
    text = "\n".join([f"{lines[0]},remark", *(f"{line},noise" for line in lines[1:])])
    np.testing.assert_allclose(read_text(text, 100).signal, tracing(), atol=1e-5)


def test_a_delimiter_at_the_end_of_each_row_is_no_column():
    text = "\n".join(line + ";" for line in table(tracing(), LEADS, delimiter=";").splitlines())
    np.testing.assert_allclose(read_text(text, 100).signal, tracing(), atol=1e-5)


def test_twelve_columns_without_names_are_taken_in_the_standard_order_and_it_is_noted():
    ecg = read_text(table(tracing()), 100)
    np.testing.assert_allclose(ecg.signal, tracing(), atol=1e-5)
    assert "names no leads: the order I, II, III, aVR, aVL, aVF, V1 to V6" in ecg.notes[0]


def test_a_rate_that_contradicts_the_time_column_is_noted_and_not_used():
    ecg = read_text(table(with_time(tracing(), 100), ["time (s)", *LEADS]), 500)
    assert ecg.rate == 100
    assert "says 100 Hz; the given 500 Hz were not used" in " ".join(ecg.notes)


def with_cell(text, row, column, value):
    lines = text.split("\n")
    cells = lines[row].split(",")
    cells[column] = value
    lines[row] = ",".join(cells)
    return "\n".join(lines)


def gap(signal, rate):
    return np.delete(with_time(signal, rate), slice(300, 320), axis=1)


GOOD = table(tracing(), LEADS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD, "does not say its sampling rate.*Give the rate in Hz"),
        (table(tracing()[:11], LEADS[:11]), "Missing lead V6"),
        (table(tracing()[:11]), "names no leads and has 11 channels"),
        (table(tracing(), [*LEADS[:11], "V7"]), "Missing lead V6"),
        (table(np.vstack([tracing(), tracing()[:1]]), [*LEADS, "Lead I"]), "More than one"),
        (table(np.vstack([tracing(), tracing()[:1]])), "names no leads and has 13 channels"),
        (",".join("x" * 200_000), "columns"),
        ("x" * 300_000, "has 0 columns in its row 1, expected"),
        ("not a table", "has 3 columns in its row 1, expected"),
        ("\n".join(GOOD.split("\n")[:1]), "lasts 0.0 s|Found"),
        (with_cell(GOOD, 7, 3, "n/k"), "Found text at sample 7, column 4, expected a number"),
        (with_cell(GOOD, 7, 3, ""), r"missing in lead aVR \(first in aVR at 0.06 s\)"),
        (with_cell(GOOD, 7, 3, "1,2"), "Sample 7 of ecg.csv has 14 columns|has 13 columns"),
        (with_cell(GOOD, 7, 3, "inf"), "missing in lead aVR"),
        (table(tracing() * 1000, LEADS), "microvolts or raw counts"),
        (table(gap(tracing(11), 100), ["time (s)", *LEADS]), "does not grow evenly"),
        (table(with_time(tracing(), -100), ["time (s)", *LEADS]), "does not grow evenly"),
        (table(with_time(tracing(), 1e-8), ["time", *LEADS]), "neither seconds nor milliseconds"),
        ("", "is empty"),
        ("\n\n  \n", "is empty"),
        ("# a comment only", "columns"),
    ],
)
def test_a_table_that_is_no_ecg_is_refused_with_the_reason(text, words):
    rate = None if "time" in text or "sampling" in words else 100
    with pytest.raises(ECGError, match=words):
        read_text(text, rate)


def test_a_decimal_comma_between_commas_is_refused_and_not_misread():
    with pytest.raises(ECGError, match="separate the columns by semicolons"):
        read_text(table(tracing(), LEADS, decimal=",").replace('"', ""), 100)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_a_damaged_table_is_read_or_refused_but_never_breaks(data):
    content = bytearray(GOOD.encode())
    for _ in range(data.draw(st.integers(1, 5))):
        at = data.draw(st.integers(0, len(content) - 1) | st.integers(0, 60))
        content[at] = data.draw(st.sampled_from(list(b",;\t\n\"'#e-.\x00\xb5\xff ")))
    try:
        ecg = read_ecg({"ecg.csv": bytes(content)}, rate=100)
    except ECGError:
        return
    assert ecg.signal.shape[0] == 12


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(content):
    with pytest.raises(ECGError):
        read_ecg({"upload": content}, rate=500)


@pytest.mark.parametrize("dtype", ["float32", "float64", ">f4", "float16", "int16", "uint8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_are_read_in_both_orientations_and_any_real_type(dtype, order):
    signal = np.round(tracing() * 3 + 4).astype(dtype, order=order)
    for array in (signal, signal.T):
        ecg = read_ecg({"ecg.npy": npy(array)}, rate=100)
        np.testing.assert_array_equal(ecg.signal, signal.astype(np.float32))
        assert "the order I, II, III" in ecg.notes[0]


def test_an_array_is_known_by_its_content():
    assert read_ecg({"upload.bin": npy(tracing())}, rate=100).duration == 10


def lying_npy(shape, descr="<f8"):
    text = f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}, }}".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(800)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (npy(tracing()[:11]), "names no leads and has 11 channels"),
        (npy(np.stack([tracing()] * 4).reshape(2, 2, 12, 1000)), r"shape \(2, 2, 12, 1000\)"),
        (npy(tracing()[0]), "shape"),
        (npy(tracing() + 1j), "holds complex128"),
        (npy(tracing() > 0), "holds bool"),
        (npy(np.full((12, 1000), "0.1")), "holds str96"),
        (npy(np.full((12, 1000), None), allow_pickle=True), "holds object"),
        (npy(np.zeros((12, 1000), [("a", "f4")])), "expected real numbers"),
        (npy(tracing())[:-8], "incomplete or damaged"),
        (npy(tracing())[:40], "damaged NPY"),
        (lying_npy((12, 10**15)), "incomplete or damaged"),
        (lying_npy((12, -5)), "damaged|shape"),
        (lying_npy("(12, [])"), "damaged"),
        (lying_npy((0, 10**30)), "empty, incomplete or damaged"),
        (lying_npy((True, 200)), "damaged"),
        (lying_npy((10**9,), "<U0"), "empty, incomplete or damaged"),
        (b"\x93NUMPY\x09\x09" + bytes(50), "damaged NPY"),
        (b"\x93NUMPY", "damaged NPY"),
        (npy(np.full((12, 1000), np.nan)), "Samples are missing"),
    ],
)
def test_an_array_that_is_no_ecg_is_refused_with_the_reason(content, words):
    with pytest.raises(ECGError, match=words):
        read_ecg({"ecg.npy": content}, rate=100)


def test_an_array_needs_a_rate():
    with pytest.raises(ECGError, match="Give the rate in Hz"):
        read_ecg({"ecg.npy": npy(tracing())})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"%PDF-1.7", "is a PDF"),
        (b"\x89PNG\r\n", "a picture"),
        (b"PK\x03\x04" + bytes(30), "a damaged ZIP archive"),
        (b"<?xml version='1.0'?><AnnotatedECG/>", "a damaged XML file"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "a damaged XML file"),
        (bytes(128) + b"DICM", "a damaged DICOM file"),
        (b"0       patient", "a damaged EDF file"),
        (b"\x1f\x8b\x08", "a gzip archive"),
    ],
)
def test_formats_that_are_not_read_are_named_with_a_way_out(content, words):
    with pytest.raises(ECGError, match=words):
        read_ecg({"upload.csv": content}, rate=500)


def test_tables_and_arrays_are_read_from_disk(tmp_path):
    (tmp_path / "a.csv").write_text(GOOD)
    np.save(tmp_path / "b.npy", tracing())
    for name in ("a.csv", "b.npy"):
        ecg = read_path(tmp_path / name, rate=100)
        np.testing.assert_allclose(ecg.signal, tracing(), atol=1e-5)
        assert ecg.source == name


def npz(**arrays):
    out = io.BytesIO()
    np.savez(out, **arrays)
    return out.getvalue()


@pytest.mark.parametrize(
    ("units", "scale"),
    [("V", 1e-3), (["uV"] * 12, 1e3), (b"mV", 1.0), (["mV"] * 6 + ["uV"] * 6, None)],
)
def test_units_beside_the_array_scale_it(units, scale):
    stored = tracing() * (np.repeat([[1.0], [1e3]], 6, axis=0) if scale is None else scale)
    file = npz(ecg=stored, leads=np.array(LEADS, dtype="S4"), sample_rate=100, units=units)
    ecg = read_ecg({"ecg.npz": file})
    same(ecg, tracing())
    assert ecg.notes == ()


@pytest.mark.parametrize(("scale", "message"), [(1e-3, "volts"), (0.1, "lower"), (10, "higher")])
def test_an_amplitude_that_no_ecg_has_is_said(scale, message):
    # Ten times too large is noticed where half of the leads are above 6 mV.
    ecg = read_ecg({"ecg.npy": npy(tracing() * 1.2 * scale)}, rate=100)
    assert message in " ".join(ecg.notes)
    assert "than ECGs are" not in " ".join(read_ecg({"e.npy": npy(tracing())}, rate=100).notes)


@pytest.mark.parametrize("step", ["5e-324", "1e-320", "1e-308", "1e-300", "1e305"])
@pytest.mark.parametrize("name", ["time (s)", "time (ns)", "t"])
def test_times_at_the_edge_of_what_a_number_can_be_are_refused(step, name):
    rows = [
        ",".join([repr(n * float(step)), *(f"{value:.3f}" for value in row)])
        for n, row in enumerate(tracing().T)
    ]
    with pytest.raises(ECGError, match="rate|grow|gaps"):
        read_text("\n".join([",".join([name, *LEADS]), *rows]))


@pytest.mark.parametrize(
    ("name", "per_second"),
    [
        *(("Temps [s]", 1), ("Tiempo(s)", 1), ("tijd_s", 1), ("ECG time (ms)", 1000)),
        *(("czas (ms)", 1000), ("时间 (ms)", 1000), ("Zeit_ms", 1000)),
    ],
)  # fmt: skip
def test_time_is_known_in_other_languages(name, per_second):
    signal = tracing(rate=250)
    ecg = read_text(table(with_time(signal, 250, per_second), [name, *LEADS]))
    np.testing.assert_allclose(ecg.signal, signal, atol=1e-5)
    assert ecg.rate == 250


@pytest.mark.parametrize(
    "line",
    [
        *("Abtastfrequenz [Hz];100", "Frecuencia de muestreo (Hz);100", "Samples per second: 100"),
        *("Fréquence d'échantillonnage;100", "# sampling_freq = 100 Hz", "SampleRate: 100"),
    ],
)
def test_the_rate_before_the_table_is_known_in_other_words(line):
    signal = tracing()
    ecg = read_text(f"{line}\n{table(signal, LEADS, delimiter=';')}")
    np.testing.assert_allclose(ecg.signal, signal, atol=1e-5)
    assert ecg.rate == 100


@pytest.mark.parametrize("line", ["Units,uV", "# unit: \u00b5V", "Einheit;uV"])
def test_a_unit_before_the_table_is_that_of_all_leads(line):
    signal = tracing()
    ecg = read_text(f"{line}\n{table(1000 * signal, LEADS)}", rate=100)
    np.testing.assert_allclose(ecg.signal, signal, atol=1e-5)


def test_a_unit_beside_a_name_is_worth_more_than_one_before_the_table():
    signal = tracing()
    text = f"Units,uV\n{table(signal, [f'{lead} (mV)' for lead in LEADS])}"
    np.testing.assert_allclose(read_text(text, rate=100).signal, signal, atol=1e-5)


@pytest.mark.parametrize(
    "spelt",
    [
        lambda text: text.replace("-", "\N{MINUS SIGN}"),
        lambda text: text.replace(",", "|"),
        lambda text: text.replace("I,II,III", "\u2160,\u2161,\u2162"),
    ],
)
def test_minus_signs_bars_and_roman_numerals_are_read(spelt):
    signal = tracing()
    ecg = read_text(spelt(table(signal, LEADS)), rate=100)
    np.testing.assert_allclose(ecg.signal, signal, atol=1e-5)


def test_utf_16_is_read_without_its_mark():
    signal = tracing()
    ecg = read_text(table(signal, LEADS), rate=100, encoding="utf-16-le")
    np.testing.assert_allclose(ecg.signal, signal, atol=1e-5)


def test_rows_of_numbers_without_names_are_leads():
    signal = tracing()
    ecg = read_text(table(signal.T), rate=100)
    np.testing.assert_allclose(ecg.signal, signal, atol=1e-5)
    assert "names no leads" in ecg.notes[0]


def test_a_gap_in_rows_of_leads_does_not_shorten_time():
    cells = [[lead, *(f"{v:.4f}" for v in row)] for lead, row in zip(LEADS, tracing(), strict=True)]
    for row in cells:
        row[400:420] = [""] * 20
    with pytest.raises(ECGError, match="Samples are missing"):
        read_text("\n".join(",".join(row) for row in cells), rate=100)
