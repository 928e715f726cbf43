"""What each revision of a PDF added to the one before, as far as its bytes plainly show. Nothing is validated.

An update is read as a reader does, by its cross-reference table, and compared with the state before it. What a
signature, a document time-stamp or validation data (PAdES, ETSI EN 319 142-1) needs in a file is known here; all
else is `other`, and so is a change to anything that the pages led to before. An update that cannot be read is
`unread`, which a person must take for `other`. No answer says that a signature is valid, nor that nothing else
changed: readers of PDFs differ.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from functools import cached_property
from typing import BinaryIO

from sandbox.evidence.pdf_objects import (
    Effort,
    Objects,
    Place,
    Reference,
    Section,
    Stream,
    Unreadable,
    read_section,
)

_MOST_CHANGED = 20_000
#: Keys of a field that lead to what is not its own.
_NOT_OWN = frozenset({"P", "Parent", "V"})
#: What a signature may change in the catalogue; the rest of it shows or does something.
_OF_SIGNING = frozenset({"AcroForm", "DSS", "Perms", "Metadata", "Extensions", "Version"})


class Added(StrEnum):
    """What a revision added."""

    SIGNATURE = "signature"
    CERTIFICATION = "certification"
    TIMESTAMP = "document-timestamp"
    VALIDATION = "validation-data"
    APPEARANCE = "appearance"
    METADATA = "metadata"
    OTHER = "other"
    UNREAD = "unread"


def additions(file: BinaryIO, ends: Sequence[int]) -> list[tuple[Added, ...]]:
    """For each revision, by where it ends, what it added; nothing for the first, the document as it began."""
    found: list[tuple[Added, ...]] = []
    before: Section | None = None
    floor, effort = 0, Effort()
    for end in ends:
        added: tuple[Added, ...] = ()
        try:
            if before is not None:
                section = read_section(file, end, floor, before.start, effort)
                added = _Update(file, before, section, effort).added()
                before = Section(before.places | section.places, section.trailer, section.start)
            elif not found:
                before = read_section(file, end, floor, None, effort)
            else:  # nothing to compare it with
                added = (Added.UNREAD,)
        except (Unreadable, RecursionError):
            before = None
            added = (Added.UNREAD,) if found else ()
        found.append(added)
        floor = end
    return found


class _Update:
    """One update, and the states before and after it."""

    def __init__(self, file: BinaryIO, before: Section, section: Section, effort: Effort) -> None:
        if len(section.places) > _MOST_CHANGED:
            raise Unreadable(f"it changes more than {_MOST_CHANGED} objects")
        if "Encrypt" in section.trailer or "Encrypt" in before.trailer:
            raise Unreadable("the document is encrypted")
        self._trailer, self._trailer_before = section.trailer, before.trailer
        self._places = section.places
        self._old = Objects(file, before.places, effort)
        self._new = Objects(file, before.places | section.places, effort)

    def added(self) -> tuple[Added, ...]:
        found: set[Added] = set()
        root = self._trailer.get("Root")
        if not isinstance(root, Reference) or root != self._trailer_before.get("Root"):
            found.add(Added.OTHER)
        if self._trailer.get("Info") != self._trailer_before.get("Info"):
            found.add(Added.METADATA)
        for number, place in self._places.items():
            found |= self._change(number, place)
        return tuple(each for each in Added if each in found)

    def _change(self, number: int, place: Place) -> set[Added]:
        """What the change of one object adds; nothing for what only carries another change."""
        old, new = self._old.get(Reference(number)), self._new.get(Reference(number))
        if place.at is None:
            return {Added.OTHER} if number in self._old else set()
        if old is not None and old == new:
            return set()
        if number in self._shown:  # of these, no stream may change
            return {Added.OTHER} if isinstance(new, Stream) else self._known(number, old, new)
        if (carried := self._carried(number, old, new)) is not None:
            return carried
        return self._known(number, old, new)

    def _carried(self, number: int, old: object, new: object) -> set[Added] | None:
        """What an object adds that nothing showed before; None for none of these."""
        found: set[Added] | None = None
        if old is None and _is_signature(new):
            found = self._signature(new)
        elif number in self._own_of_fields:
            found = set()  # its field says whether it is seen
        elif number in self._validation:
            found = {Added.VALIDATION}
        elif isinstance(new, Stream) and new.dictionary.get("Type") in ("ObjStm", "XRef"):
            found = set()  # what it holds is looked at by itself
        elif Reference(number) == self._trailer.get("Info") or number == self._metadata:
            found = {Added.METADATA}
        return found

    def _known(self, number: int, old: object, new: object) -> set[Added]:
        """The objects that every signature touches: catalogue, form, page, their lists, and fields."""
        if Reference(number) == self._trailer.get("Root"):
            return self._catalogue(old, new)
        if number in self._forms:
            return self._form(old, new)
        if _is_field(new):
            return self._field(old, new)
        if isinstance(new, dict) and isinstance(old, dict) and new.get("Type") == "Page":
            if _different(old, new) <= {"Annots"} and self._only_fields(old.get("Annots"), new.get("Annots")):
                return set()
        elif number in self._lists and self._only_fields(old, new):
            return set()
        return {Added.OTHER}

    def _signature(self, new: object) -> set[Added]:
        assert isinstance(new, dict)
        if new.get("SubFilter") == "ETSI.RFC3161" or new.get("Type") == "DocTimeStamp":
            return {Added.TIMESTAMP}
        references = self._new.get(new.get("Reference"))
        for each in references if isinstance(references, list) else []:
            reference = self._new.get(each)
            if isinstance(reference, dict) and reference.get("TransformMethod") == "DocMDP":
                return {Added.SIGNATURE, Added.CERTIFICATION}
        return {Added.SIGNATURE}

    def _catalogue(self, old: object, new: object) -> set[Added]:
        if not isinstance(old, dict) or not isinstance(new, dict):
            return {Added.OTHER}
        changed = _different(old, new)
        found: set[Added] = set() if changed <= _OF_SIGNING else {Added.OTHER}
        if "Metadata" in changed:
            found.add(Added.METADATA)
        if "DSS" in changed:
            found.add(Added.VALIDATION)
        form = new.get("AcroForm")
        if "AcroForm" in changed and not isinstance(form, Reference):
            found |= self._form(self._old.get(old.get("AcroForm")), form)
        elif "AcroForm" in changed and "AcroForm" in old:
            found |= self._form(self._old.get(old["AcroForm"]), self._new.get(form))
        return found

    def _form(self, old: object, new: object) -> set[Added]:
        """The form may gain signature fields and what says that there are some."""
        before = old if isinstance(old, dict) else {}
        if not isinstance(new, dict) or not _different(before, new) <= {"Fields", "SigFlags"}:
            return {Added.OTHER}
        return set() if self._only_fields(before.get("Fields"), new.get("Fields")) else {Added.OTHER}

    def _field(self, old: object, new: object) -> set[Added]:
        assert isinstance(new, dict)
        if old is not None:
            # a field that waited for its signature: it may get that, and its appearance
            if not isinstance(old, dict) or "V" in old or not _different(old, new) <= {"V", "AP", "M"}:
                return {Added.OTHER}
            if old.get("AP") == new.get("AP"):
                return set()
        found = {Added.OTHER} if {"A", "AA", "Kids"} & new.keys() else set()  # they act, or lead elsewhere
        match self._new.get(new.get("Rect", [0, 0, 0, 0])):
            case [left, bottom, right, top] if left == right or bottom == top:
                return found
            case _:
                return found | {Added.APPEARANCE}

    def _only_fields(self, old: object, new: object) -> bool:
        """Whether a list kept what it had and gained nothing but signature fields of this update."""
        before, after = self._old.get(old), self._new.get(new)
        before = [] if before is None else before
        if not isinstance(before, list) or not isinstance(after, list) or after[: len(before)] != before:
            return False
        return all(
            isinstance(each, Reference) and each.number in self._fields for each in after[len(before) :]
        )

    # -- where objects belong ------------------------------------------------------------------------

    @cached_property
    def _root(self) -> tuple[dict[str, object], dict[str, object]]:
        """The catalogue before and after."""
        old, new = self._old.get(self._trailer_before.get("Root")), self._new.get(self._trailer.get("Root"))
        if not isinstance(old, dict) or not isinstance(new, dict):
            raise Unreadable("no catalogue")
        return old, new

    @cached_property
    def _shown(self) -> set[int]:
        """What the document led to before, but for its form, its validation data and its properties."""
        old, _ = self._root
        found = self._old.reach([each for key, each in old.items() if key not in _OF_SIGNING])
        return found | self._old.reach(old.get("AcroForm"))

    @cached_property
    def _fields(self) -> set[int]:
        changed = (n for n, place in self._places.items() if place.at is not None)
        return {number for number in changed if _is_field(self._new.get(Reference(number)))}

    @cached_property
    def _own_of_fields(self) -> set[int]:
        """What new fields lead to: appearance, lock, seed value."""
        values = [self._new.get(Reference(number)) for number in self._fields]
        return self._new.reach(values, _NOT_OWN) - self._fields

    @cached_property
    def _validation(self) -> set[int]:
        return self._new.reach(self._root[1].get("DSS"))

    @cached_property
    def _metadata(self) -> int | None:
        found = self._root[1].get("Metadata")
        return found.number if isinstance(found, Reference) else None

    @cached_property
    def _forms(self) -> set[int]:
        return {form.number for root in self._root if isinstance(form := root.get("AcroForm"), Reference)}

    @cached_property
    def _lists(self) -> set[int]:
        """The arrays of a page's annotations and of a form's fields that stand by themselves."""
        form = self._new.get(self._root[1].get("AcroForm"))
        holders = [form, *(self._new.get(Reference(number)) for number in self._shown)]
        lists = [each.get(key) for each in holders if isinstance(each, dict) for key in ("Annots", "Fields")]
        return {each.number for each in lists if isinstance(each, Reference)}


def _is_signature(value: object) -> bool:
    return isinstance(value, dict) and {"ByteRange", "Contents", "Filter"} <= value.keys()


def _is_field(value: object) -> bool:
    if not isinstance(value, dict) or value.get("FT") != "Sig":
        return False
    return (value.get("Type", "Annot"), value.get("Subtype", "Widget")) == ("Annot", "Widget")


def _different(old: dict[str, object], new: dict[str, object]) -> set[str]:
    return {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
