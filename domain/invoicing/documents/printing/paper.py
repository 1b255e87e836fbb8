"""Sheets of A4 to write on: points from the upper left corner, regular or bold, the same bytes every time."""

from __future__ import annotations

from functools import lru_cache
from io import BytesIO

from reportlab import rl_config
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from domain.invoicing.documents.logos import decoded
from domain.invoicing.documents.printing import letters
from domain.invoicing.documents.printing.letters import BOLD, REGULAR, Points

Shade = float
"""From 0, which is black, to 1, which is white."""

WIDTH, HEIGHT = 595.28, 841.89
LEFT, RIGHT = 51.0, 544.0
"""Where text begins and ends, in points from the left."""

_LOGO_WIDTH_PX = 640
"""A logo is brought down to this width: at the size it is printed in, that is 300 dots an inch and more."""


class Paper:
    """A document that is being drawn, a page after the other."""

    def __init__(self, *, title: str, author: str, language: str, day: int) -> None:
        _set_up()
        self._bytes = BytesIO()
        self._canvas = Canvas(
            self._bytes,
            pagesize=(WIDTH, HEIGHT),
            pageCompression=1,
            invariant=1,
            lang=language,
            initialFontName=REGULAR,  # type: ignore[arg-type] # the stubs are wrong; another font would not be embedded
        )
        self._canvas.setTitle(title)
        self._canvas.setSubject(title)
        self._canvas.setAuthor(author)
        self._canvas.setCreator("Countinghouse")
        self._canvas.setProducer("ReportLab")
        self._canvas.setDateFormatter(lambda *_: f"D:{day:08d}000000Z")

    def text(self, x: Points, y: Points, text: str, *, size: Points = 9, bold: bool = False, gray: Shade = 0.0) -> None:
        """A line of text from `x` on, with its base line at `y`."""
        self._canvas.setFillGray(gray)
        font = BOLD if bold else REGULAR
        for piece in letters.pieces(text, font) if not letters.plain(text) else (letters.Piece(font, text, 0),):
            self._canvas.setFont(piece.font, size)
            self._canvas.drawString(x, HEIGHT - y, piece.text)
            x += piece.width * size / 1000

    def text_to(
        self, x: Points, y: Points, text: str, *, size: Points = 9, bold: bool = False, gray: Shade = 0.0
    ) -> None:
        """A line of text that ends at `x`."""
        width = letters.width_of(text, BOLD if bold else REGULAR, size)
        self.text(x - width, y, text, size=size, bold=bold, gray=gray)

    def rule(self, x: Points, y: Points, end: Points, *, gray: Shade = 0.8, width: Points = 0.5) -> None:
        """A level line."""
        self._canvas.setStrokeGray(gray)
        self._canvas.setLineWidth(width)
        self._canvas.line(x, HEIGHT - y, end, HEIGHT - y)

    def band(self, x: Points, y: Points, width: Points, height: Points, *, gray: Shade = 0.94) -> None:
        """A filled box, `y` its upper edge."""
        self._canvas.setFillGray(gray)
        self._canvas.rect(x, HEIGHT - y - height, width, height, stroke=0, fill=1)

    def boxes(self, boxes: list[tuple[Points, Points, Points, Points]]) -> None:
        """Black boxes without edges in one stroke, each x, upper edge, width and height."""
        path = self._canvas.beginPath()
        for x, y, width, height in boxes:
            path.rect(x, HEIGHT - y - height, width, height)
        self._canvas.setFillGray(0)
        self._canvas.drawPath(path, stroke=0, fill=1)

    def logo(self, png: bytes, x: Points, y: Points, width: Points, height: Points) -> None:
        """A picture within a box, at its upper left."""
        picture = _picture(png)
        across, down = picture.getSize()
        scale = min(width / across, height / down)
        self._canvas.drawImage(picture, x, HEIGHT - y - down * scale, across * scale, down * scale, mask="auto")

    def next_page(self) -> None:
        """This sheet is full."""
        self._canvas.showPage()

    def finished(self) -> bytes:
        """The file. The same drawing gives the same bytes."""
        self._canvas.save()
        return self._bytes.getvalue()


@lru_cache(maxsize=1)
def _set_up() -> None:
    """Load the fonts, and leave streams as bytes: as text they would take a fifth more time and room."""
    rl_config.useA85 = 0
    letters.load()


@lru_cache(maxsize=16)
def _picture(png: bytes) -> ImageReader:
    """The picture, decoded once for all documents of an issuer."""
    image = decoded(png)
    if image.width > _LOGO_WIDTH_PX:
        image = image.resize((_LOGO_WIDTH_PX, max(1, image.height * _LOGO_WIDTH_PX // image.width)))
    return ImageReader(image)
