"""The image of a QR code: dark and light squares as PNG, big enough to be read back from paper.

The text is short of what fits in alphanumeric mode (ISO/IEC 18004); its error correction is the highest that does not
make the code larger, at least M (15 %) where that fits. A module is printed half a millimetre wide or more: phones read
that. The four light modules around the code belong to it.
"""

from __future__ import annotations

import io

import segno

#: Light modules on each side, without which readers do not find the code.
QUIET = 4
#: Pixels of a module in the PNG, and the resolution it asks for: 0.68 mm a module on paper.
SCALE, DPI = 8, 300
#: On the PDF's page: the width of one module, from dense codes to small ones, and of the whole where it can be helped.
LEAST_MODULE_MM, MOST_MODULE_MM, WANTED_MM = 0.5, 0.8, 62.0


def qr_code(text: str) -> segno.QRCode:
    """The QR code of a base45 text."""
    try:
        return segno.make_qr(text, error="m", mode="alphanumeric", boost_error=True)
    except segno.DataOverflowError:
        return segno.make_qr(text, error="l", mode="alphanumeric", boost_error=False)


def png(code: segno.QRCode) -> bytes:
    """The code as a PNG of two colours."""
    out = io.BytesIO()
    code.save(out, kind="png", scale=SCALE, border=QUIET, dpi=DPI)
    return out.getvalue()


def width_on_paper(code: segno.QRCode) -> float:
    """How wide the code with its quiet zone is printed, in millimetres."""
    modules = code.symbol_size(border=QUIET)[0]
    return modules * min(MOST_MODULE_MM, max(LEAST_MODULE_MM, WANTED_MM / modules))
