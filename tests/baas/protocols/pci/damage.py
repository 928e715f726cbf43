"""Documents after an accident, or somebody's hand: well-formed, and with parts gone, repeated, moved or changed."""

from __future__ import annotations

from hypothesis import strategies as st
from lxml import etree

from baas.ades.xml import parse
from baas.protocols.pci import names
from baas.protocols.pci.names import qname

VALUES = st.text("abc é<>&\n", max_size=12) | st.sampled_from(
    ["0", "1", "true", "2026-11-22", "-1", "Si", "0003"]
)


@st.composite
def damaged(draw: st.DrawFn, document: bytes, most: int = 3) -> etree._Element:
    """A document with up to `most` of its elements gone, repeated, moved, renamed, refilled or marked."""
    root = parse(document)
    for _ in range(draw(st.integers(1, most))):
        inner = [each for each in root.iter() if each is not root and isinstance(each.tag, str)]
        if not inner:
            break
        one, other = draw(st.sampled_from(inner)), draw(st.sampled_from(inner))
        match draw(st.sampled_from(["gone", "again", "moved", "renamed", "refilled", "marked", "within"])):
            case "gone":
                one.getparent().remove(one)  # type: ignore[union-attr]
            case "again":
                one.addnext(etree.fromstring(etree.tostring(one, with_tail=False)))
            case "moved" if one not in other.iterancestors() and one is not other:
                other.addnext(one)
            case "renamed":
                one.tag = other.tag
            case "refilled":
                one.text = draw(VALUES)
            case "marked":
                one.set(
                    draw(st.sampled_from(["a", "Id", qname(names.EXTENSIONS, "x")])),
                    draw(st.text("abc", max_size=5)),
                )
            case "within" if one is not other and one not in other.iterancestors():
                other.append(one)
    return root
