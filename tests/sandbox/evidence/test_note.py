"""Signed notes against the published vectors of Go's sumdb/note."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.errors import EvidenceError, MalformedEvidence, VerificationError
from sandbox.evidence.note import NoteSigner, NoteVerifier, open_note, sign

VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SKEY = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
ENOCH = "EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
PETER_SIGNATURE = (
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2p"
    "ZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
ENOCH_SIGNATURE = (
    "— EnochRoot rwz+eBzmZa0SO3NbfRGzPCpDckykFXSdeX+MNtCOXm2/5n2tiOHp+vAF1aGrQ5"
    "ovTG01oOTGwnWLox33WWd1RvMc+QQ=\n"
)
PETER, ENOCH_VERIFIER = NoteVerifier.from_vkey(VKEY), NoteVerifier.from_vkey(ENOCH)


def peter() -> NoteSigner:
    return NoteSigner("PeterNeumann", base64.b64decode(SKEY.split("+", 4)[4])[1:])


def test_the_published_key_signs_the_published_note() -> None:
    assert peter().verifier.vkey == VKEY
    assert sign(TEXT, [peter()]) == TEXT + "\n" + PETER_SIGNATURE


def test_opening_with_one_or_both_keys_known() -> None:
    note = TEXT + "\n" + PETER_SIGNATURE + ENOCH_SIGNATURE
    opened = open_note(note, [PETER])
    assert (opened.text, opened.verified_names, opened.unknown_signatures) == (TEXT, ("PeterNeumann",), 1)
    assert open_note(note, [PETER, ENOCH_VERIFIER]).verified_names == ("PeterNeumann", "EnochRoot")
    with pytest.raises(VerificationError, match="no known key"):
        open_note(note, [])


def test_repeated_signatures_count_once() -> None:
    enoch_other = ENOCH_SIGNATURE[:58] + "ABCD" + ENOCH_SIGNATURE[58:]
    note = TEXT + "\n" + PETER_SIGNATURE * 2 + ENOCH_SIGNATURE * 2 + enoch_other
    opened = open_note(note, [PETER])
    assert (opened.verified_names, opened.unknown_signatures) == (("PeterNeumann",), 2)


def test_a_wrong_signature_of_a_known_key_refuses_the_note() -> None:
    longer = PETER_SIGNATURE[:58] + "ABCD" + PETER_SIGNATURE[58:]
    with pytest.raises(VerificationError, match=r"PeterNeumann\+c74f20a3 is wrong"):
        open_note(TEXT + "\n" + longer, [PETER])
    with pytest.raises(VerificationError, match="is wrong"):
        open_note(TEXT.replace("answer", "Answer") + "\n" + PETER_SIGNATURE, [PETER])
    forged = ENOCH_SIGNATURE[:-3] + "A=\n"
    with pytest.raises(EvidenceError):  # the good signature beside it does not save the note
        open_note(TEXT + "\n" + PETER_SIGNATURE + forged, [PETER, ENOCH_VERIFIER])


@pytest.mark.parametrize(
    "note",
    [
        "",
        TEXT,
        TEXT + "\n",
        TEXT + "\n" + PETER_SIGNATURE[:-1],
        "\x01" + TEXT + "\n" + PETER_SIGNATURE,
        "\ufffd" + TEXT + "\n" + PETER_SIGNATURE,
        TEXT + "\n" + PETER_SIGNATURE.replace("PeterNeumann", "Bad Name"),
        TEXT + "\n" + PETER_SIGNATURE + "Unexpected line.\n",
        TEXT + "\n" + PETER_SIGNATURE * 101,
        TEXT + "\n" + PETER_SIGNATURE.replace("—", "-"),
        TEXT + "\n" + PETER_SIGNATURE.replace("AM=", "AN="),  # unused bits of the base64 set
        TEXT + "\n" + PETER_SIGNATURE.replace("PeterNeumann ", "PeterNeumann  "),
        TEXT.replace("\n", "\r\n") + "\n" + PETER_SIGNATURE,
        TEXT + "\n— PeterNeumann x08gow==\n",
    ],
)
def test_malformed_notes(note: str) -> None:
    with pytest.raises(MalformedEvidence):
        open_note(note, [PETER])


def test_no_mangled_key_is_accepted() -> None:
    for start in range(len(VKEY)):
        for end in range(start + 1, len(VKEY) + 1):
            if (start, end) != (0, len(VKEY)):
                with pytest.raises(MalformedEvidence):
                    NoteVerifier.from_vkey(VKEY[start:end])
    for position, character in enumerate(VKEY):
        with pytest.raises(MalformedEvidence):
            NoteVerifier.from_vkey(VKEY[:position] + chr(ord(character) + 1) + VKEY[position + 1 :])
    for key in (
        "PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==",
        "PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
    ):
        with pytest.raises(MalformedEvidence):
            NoteVerifier.from_vkey(key)


def test_keys_and_texts_that_cannot_be_signed_with() -> None:
    for name in ("", "two words", "a+b", "tab\t", "no\u00a0break"):
        with pytest.raises(MalformedEvidence, match="key name"):
            NoteSigner(name, bytes(32))
    with pytest.raises(MalformedEvidence, match="32 bytes"):
        NoteVerifier("short", bytes(31))
    for text in ("abc", "a\tb\n"):
        with pytest.raises(MalformedEvidence):
            sign(text, [peter()])
    with pytest.raises(ValueError, match="at least one signer"):
        sign(TEXT, [])


@given(st.text(st.characters(blacklist_categories=["Cs", "Cc"], blacklist_characters="\ufffd")))
def test_any_text_comes_back(body: str) -> None:
    text = body + "\n"
    assert open_note(sign(text, [peter()]), [PETER]).text == text
