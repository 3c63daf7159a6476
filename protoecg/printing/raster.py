"""A printed page as a picture, for slides and for places that take no PDF."""

from __future__ import annotations

from io import BytesIO
from threading import Lock

import pypdfium2
from PIL import Image

DPI = 300
POINTS_PER_INCH = 72

# A page of a whole number of dots must not come out one larger for a rounding error.
_SCALE = DPI / POINTS_PER_INCH * (1 - 1e-9)
# PDFium is not made for several threads at once, and an app draws in many.
_PDFIUM = Lock()


def png(page: bytes) -> bytes:
    """Return a PDF of one page as a PNG of `DPI` dots an inch, in its true proportions.

    The picture says how large it is, so that programs print it in the page's millimetres.
    """
    with _PDFIUM:
        picture = _drawn(page)
    written = BytesIO()
    picture.save(written, "png", dpi=(DPI, DPI), optimize=True)
    return written.getvalue()


def _drawn(page: bytes) -> Image.Image:
    document = pypdfium2.PdfDocument(page)
    try:
        return document[0].render(scale=_SCALE).to_pil().convert("RGB")
    finally:
        document.close()
