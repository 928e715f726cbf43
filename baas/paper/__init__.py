"""A sheet of A4 as PDF/A-3b (ISO 19005-3): embedded fonts, text tagged in reading order, files attached.

It knows nothing of what it is for, and writes the same bytes for the same calls. All colours are sRGB; headings, paragraphs
and figures are tagged (ISO 32000-1, 14.8), and what only decorates is an artifact, so that a screen reader reads what
matters. Dates come from the caller.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import resources
from io import BytesIO
from xml.sax.saxutils import escape

from fpdf import FPDF, ViewerPreferences
from fpdf.enums import WrapMode, XPos, YPos
from fpdf.fonts import TTFFont

#: Subsets of DejaVu (fonts/README.md): text, bold text, and digits of one width.
FONTS = {
    ("text", ""): "DejaVuSansCondensed.ttf",
    ("text", "B"): "DejaVuSansCondensed-Bold.ttf",
    ("code", ""): "DejaVuSansMono.ttf",
}
PRODUCER = "baas-sandbox"
MARGIN, BOTTOM = 18.0, 18.0
INK, SOFT, ACCENT, PALE = (0x1A, 0x1A, 0x1A), (0x55, 0x55, 0x55), (0x7A, 0x10, 0x1D), (0xF4, 0xEF, 0xE6)
_LINE = 1.32  # of the font's size


class Paper(FPDF):
    """The sheet being written, in `language`; `moment` is the date that its properties give."""

    def __init__(self, language: str, title: str, subject: str, page_of: str, moment: datetime) -> None:
        super().__init__(format="A4", enforce_compliance="PDF/A-3B")
        self._page_of = page_of
        self.set_margins(MARGIN, MARGIN)
        self.c_margin = 0
        self.set_auto_page_break(True, BOTTOM)
        folder = resources.files(__package__) / "fonts"
        for (family, style), name in FONTS.items():
            with resources.as_file(folder / name) as path:
                self.add_font(family, style, path)
        self.set_lang(language)
        self.set_title(title)
        self.set_subject(subject)
        self.set_producer(PRODUCER)
        self.set_creation_date(moment)
        self.set_xmp_metadata(_xmp(language, title, subject, moment))
        self.viewer_preferences = ViewerPreferences(display_doc_title=True)
        self._moment = moment
        self._file_ids: list[bytes] = []
        self.add_page()

    def shown(self, text: str) -> str:
        """A stranger's text as it can be written here: in one line, and a letter that no font here has as `\ufffd`."""
        font = self.fonts["text"]
        assert isinstance(font, TTFFont)
        letters = font.cmap
        plain = " ".join(unicodedata.normalize("NFC", text).split())
        return "".join(letter if ord(letter) in letters else "\ufffd" for letter in plain)

    # -- what is written --------------------------------------------------------------------------

    def heading(self, text: str, level: int = 2) -> None:
        """A heading of level 1 or 2, also in the outline; it stays with what follows it."""
        size, space = (19, 0) if level == 1 else (12, 4.5)
        self._room(space + size * 0.5 + 30)  # no heading alone at the foot of a page
        self.ln(space)
        self.start_section(text, level - 1)
        self._style("B", size, ACCENT if level == 2 else INK)
        with self._tagged(f"H{level}"):
            self._lines(text, size)
        self.ln(1 if level == 2 else 0.5)

    def subheading(self, text: str, level: int = 3) -> None:
        """A small heading, which the outline leaves out."""
        self._room(16)
        self.ln(1.2)
        self._style("B", 9.5, INK)
        with self._tagged(f"H{level}"):
            self._lines(text, 9.5)

    def paragraph(self, text: str, size: float = 9.5, *, soft: bool = False, width: float = 0) -> None:
        self._style("", size, SOFT if soft else INK)
        self._room_for(text, size, width or self.epw)
        with self._tagged("P"):
            self._lines(text, size, width)
        self.ln(0.8)

    def code(self, text: str, size: float = 8, width: float = 0) -> None:
        """Text that is copied character by character, in a font of one width."""
        self.set_font("code", "", size)
        self.set_text_color(*INK)
        self._room_for(text, size, width or self.epw)
        with self._tagged("Code"):
            self._lines(text, size, width, wrap=WrapMode.CHAR)
        self.ln(0.8)

    def notice(self, text: str, *, strong: bool = False) -> None:
        """A paragraph on a tinted ground with a rule at its left."""
        self._style("B" if strong else "", 9.5, INK)
        width = self.epw - 8
        height = self._height(text, 9.5, width) + 4
        self._room(height + 2)
        top = self.y
        with self._artifact():
            self.set_fill_color(*PALE)
            self.rect(self.l_margin, top, self.epw, height, style="F")
            self.set_fill_color(*ACCENT)
            self.rect(self.l_margin, top, 1.2, height, style="F")
        self._style("B" if strong else "", 9.5, INK)
        self.set_xy(self.l_margin + 5, top + 2)
        with self._tagged("P"):
            self.multi_cell(width, 9.5 * _LINE * 0.3528, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.set_y(top + height + 2)

    def bullets(self, items: Sequence[str], size: float = 9.5, *, numbered: bool = False) -> None:
        for number, text in enumerate(items, start=1):
            self._style("", size, INK)
            width = self.epw - 5
            self._room_for(text, size, width)
            top = self.y
            with self._artifact():
                self.set_xy(self.l_margin, top)
                self.cell(5, size * _LINE * 0.3528, f"{number}." if numbered else "•")
            self.set_xy(self.l_margin + 5, top)
            with self._tagged("P"):
                self.multi_cell(
                    width, size * _LINE * 0.3528, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT
                )
            self.ln(0.9)

    def fact(self, label: str, value: str, width: float, *, code: float = 0) -> None:
        """A label, and under it its value; as code of that size, where one is given."""
        self._style("", 8, SOFT)
        self._room(12)
        with self._tagged("P"):
            self._lines(label, 8, width)
        if code:
            self.code(value, code, width)
        else:
            self.paragraph(value, 9.5, width=width)

    def figure(self, image: bytes, x: float, y: float, width: float, described: str) -> None:
        with self._tagged("Figure", described):
            self.image(BytesIO(image), x=x, y=y, w=width, h=width)

    def attach(self, name: str, content: bytes, media_type: str, described: str) -> None:
        """Embed a file that the whole document is associated with, as its data."""
        self.embed_file(
            bytes=content,
            basename=name,
            mime_type=media_type,
            desc=described,
            associated_file_relationship="Data",
            modification_date=self._moment,
            creation_date=self._moment,
        )
        self._file_ids.append(content)

    # -- fpdf2's hooks -----------------------------------------------------------------------------

    def footer(self) -> None:
        with self._artifact():
            self.set_y(-12)
            self._style("", 7.5, SOFT)
            self.cell(0, 4, self._page_of.format(page=self.page, pages="{nb}"), align="R")

    def file_id(self) -> str:
        """The same for the same content: no clock, no chance."""
        state = hashlib.sha256(f"{self.title} {self.lang}".encode())
        for content in self._file_ids:
            state.update(hashlib.sha256(content).digest())
        identity = state.hexdigest()[:32].upper()
        return f"<{identity}><{identity}>"

    # -- inside ------------------------------------------------------------------------------------

    def _style(self, style: str, size: float, colour: tuple[int, int, int]) -> None:
        self.set_font("text", style, size)
        self.set_text_color(*colour)

    def _lines(self, text: str, size: float, width: float = 0, wrap: WrapMode = WrapMode.WORD) -> None:
        self.multi_cell(
            width, size * _LINE * 0.3528, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT, wrapmode=wrap
        )

    def _height(self, text: str, size: float, width: float) -> float:
        lines = self.multi_cell(width, size, text, align="L", dry_run=True, output="LINES")
        assert isinstance(lines, list)
        return len(lines) * size * _LINE * 0.3528

    def _room(self, height: float) -> None:
        """A new page where this height is not left: what is tagged stays on one page."""
        if self.y + height > self.page_break_trigger:
            self.add_page()

    def _room_for(self, text: str, size: float, width: float) -> None:
        """As `_room`; a text is measured, which takes its time, only where the page may be full."""
        lines = (
            len(text) * size * 0.3 / width + 2
        )  # no fewer than it has: letters are narrower than they are high
        if self.y + lines * size * _LINE * 0.3528 > self.page_break_trigger:
            self._room(self._height(text, size, width))

    @contextmanager
    def _tagged(self, kind: str, described: str | None = None) -> Iterator[None]:
        """The content written inside is one element of the document's structure; fpdf2 itself knows figures only."""
        mark = self.struct_builder.next_mcid_for_page(self.page)
        self._add_marked_content(struct_type=f"/{kind}", mcid=mark, alt_text=described)
        page = self.page
        self._out(f"/{kind} <</MCID {mark}>> BDC")
        yield
        self._out("EMC")
        assert page == self.page, "a tagged block went over its page"

    @contextmanager
    def _artifact(self) -> Iterator[None]:
        self._out("/Artifact BMC")
        yield
        self._out("EMC")


def _xmp(language: str, title: str, subject: str, moment: datetime) -> str:
    """XMP (ISO 16684-1) with what PDF/A wants, equal to the document information."""
    when = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f"""<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about=""
 xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdf="http://ns.adobe.com/pdf/1.3/"
 xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>3</pdfaid:part>
<pdfaid:conformance>B</pdfaid:conformance>
<dc:format>application/pdf</dc:format>
<dc:language><rdf:Bag><rdf:li>{language}</rdf:li></rdf:Bag></dc:language>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{escape(title)}</rdf:li></rdf:Alt></dc:title>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{escape(subject)}</rdf:li></rdf:Alt></dc:description>
<xmp:CreateDate>{when}</xmp:CreateDate>
<xmp:ModifyDate>{when}</xmp:ModifyDate>
<pdf:Producer>{PRODUCER}</pdf:Producer>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>"""
