"""The printed page as a picture: its dots, its proportions, the command that writes it."""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas

from protoecg.__main__ import main
from protoecg.printing.raster import DPI, png
from protoecg.simulate import simulate

PIXELS_PER_MM = DPI / 25.4


def page(width_mm=297, height_mm=210) -> bytes:
    """A page with one black rectangle of 50 mm by 10 mm, 20 mm from its left lower corner."""
    written = BytesIO()
    canvas = Canvas(written, pagesize=(width_mm * mm, height_mm * mm))
    canvas.rect(20 * mm, 20 * mm, 50 * mm, 10 * mm, stroke=0, fill=1)
    canvas.save()
    return written.getvalue()


def dark(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(content)).convert("L")) < 128


@pytest.mark.parametrize(("width_mm", "height_mm"), [(297, 210), (279.4, 215.9)])
def test_a_millimetre_of_the_page_is_as_many_dots_both_ways(width_mm, height_mm):
    content = png(page(width_mm, height_mm))
    rows, columns = np.nonzero(dark(content))
    width, height = np.ptp(columns) + 1, np.ptp(rows) + 1
    assert width == pytest.approx(50 * PIXELS_PER_MM, abs=1.5)
    assert height == pytest.approx(10 * PIXELS_PER_MM, abs=1.5)
    size = Image.open(BytesIO(content)).size
    assert size == pytest.approx((width_mm * PIXELS_PER_MM, height_mm * PIXELS_PER_MM), abs=1)


def test_the_picture_says_how_large_it_is_and_nothing_else():
    picture = Image.open(BytesIO(png(page())))
    assert picture.info.pop("dpi") == pytest.approx((300, 300), abs=0.01)
    assert not picture.info and picture.mode == "RGB"


def test_pages_drawn_at_once_do_not_spoil_each_other():
    pages = [page(100 + size, 60) for size in range(4)] * 3
    alone = [png(content) for content in pages[:4]] * 3
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(png, pages)) == alone


def command(out, bundle, tmp_path, paper="A4"):
    np.save(tmp_path / "ecg.npy", simulate(["AFIB"], seed=1, rate=500).ecg.signal)
    options = ["--rate", "500", "--bundle", str(bundle.path), "--paper", paper]
    return main(["report", str(tmp_path / "ecg.npy"), *options, "--out", str(out)])


@pytest.mark.parametrize(("paper", "size"), [("A4", (3508, 2481)), ("letter", (3300, 2550))])
def test_the_suffix_decides_that_a_picture_is_written(paper, size, tiny_bundle, tmp_path):
    out = tmp_path / "x.PNG"
    assert command(out, tiny_bundle, tmp_path, paper) == 0
    assert Image.open(out).size == size


def test_the_picture_is_that_of_the_pdf(tiny_bundle, tmp_path):
    for name in ("x.png", "x.pdf"):
        assert command(tmp_path / name, tiny_bundle, tmp_path) == 0
    assert (tmp_path / "x.pdf").read_bytes().startswith(b"%PDF")
    assert png((tmp_path / "x.pdf").read_bytes()) == (tmp_path / "x.png").read_bytes()


def test_another_suffix_is_refused_before_any_work(tiny_bundle, tmp_path, capsys):
    assert command(tmp_path / "x.jpg", tiny_bundle, tmp_path) == 2
    assert not (tmp_path / "x.jpg").exists()
    assert "neither in .pdf nor in .png" in capsys.readouterr().err
