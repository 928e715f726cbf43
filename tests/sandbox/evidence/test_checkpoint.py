from __future__ import annotations

import pytest

from sandbox.errors import MalformedEvidence, VerificationError
from sandbox.evidence.checkpoint import Checkpoint, open_checkpoint, parse, parse_unverified, sign_checkpoint
from sandbox.evidence.note import NoteSigner, sign

# The example of C2SP tlog-checkpoint; its key is not published, so that only its text is read here.
PUBLISHED = """\
example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeO\
oRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
"""
SIGNER = NoteSigner("log.example", bytes(range(32)))


def test_the_published_example_reads_and_writes_back() -> None:
    checkpoint = parse_unverified(PUBLISHED)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.root.hex() == "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62"
    assert checkpoint.to_text() == PUBLISHED[: PUBLISHED.index("\n\n") + 1]


def test_signed_and_opened() -> None:
    checkpoint = Checkpoint("log.example/decrets", 3, bytes(32))
    opened = open_checkpoint(sign_checkpoint(checkpoint, [SIGNER]), [SIGNER.verifier])
    assert opened.checkpoint == checkpoint
    assert opened.note.verified_names == ("log.example",)
    with pytest.raises(VerificationError):
        open_checkpoint(
            sign_checkpoint(checkpoint, [SIGNER]), [NoteSigner("log.example", bytes(32)).verifier]
        )


ROOT = "A" * 43 + "="


@pytest.mark.parametrize(
    "text",
    [
        f"\n1\n{ROOT}\n",
        f"o\n01\n{ROOT}\n",
        f"o\n-1\n{ROOT}\n",
        f"o\n+1\n{ROOT}\n",
        f"o\n1_0\n{ROOT}\n",
        f"o\n١\n{ROOT}\n",
        f"o\n9223372036854775808\n{ROOT}\n",
        "o\n1\nAAAA\n",
        f"o\n1\n{ROOT[:-2]}B=\n",
        f"o\n1\n{ROOT}",
        f"o\n1\n{ROOT}\nextension\n",
        "o\n1\n",
    ],
)
def test_malformed_texts(text: str) -> None:
    with pytest.raises(MalformedEvidence):
        parse(text)


def test_a_signed_note_that_is_not_a_checkpoint() -> None:
    with pytest.raises(MalformedEvidence):
        open_checkpoint(sign("hello\n", [SIGNER]), [SIGNER.verifier])


@pytest.mark.parametrize(
    ("origin", "size", "root"), [("", 1, 32), ("a\nb", 1, 32), ("o", -1, 32), ("o", 1, 31)]
)
def test_checkpoints_that_cannot_be_written(origin: str, size: int, root: int) -> None:
    with pytest.raises(MalformedEvidence):
        Checkpoint(origin, size, bytes(root))
