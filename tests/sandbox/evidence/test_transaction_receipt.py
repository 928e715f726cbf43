from __future__ import annotations

import pytest
import rlp
from eth.rlp.logs import Log as EvmLog
from eth.rlp.receipts import Receipt as EvmReceipt

from sandbox.errors import MalformedEvidence, VerificationError
from sandbox.evidence import anchored_root
from sandbox.evidence.transaction_receipt import Log, decode

BLOOM = bytes(256)


def made(*, status: bytes = b"\x01", logs: list[object] | None = None, bloom: bytes = BLOOM) -> bytes:
    return rlp.encode([status, 21_000, bloom, [] if logs is None else logs])


def test_what_py_evm_writes() -> None:
    log = EvmLog(address=b"a" * 20, topics=[1, 2], data=b"data")
    receipt = EvmReceipt(state_root=b"\x01", gas_used=50_000, bloom=0, logs=[log])
    for kind in (0, 1, 2, 3, 4):
        read = decode((bytes([kind]) if kind else b"") + rlp.encode(receipt))
        assert (read.type, read.succeeded) == (kind, True)
        assert read.logs == (Log(b"a" * 20, ((1).to_bytes(32, "big"), (2).to_bytes(32, "big")), b"data"),)
    assert not decode(made(status=b"")).succeeded


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x05" + made(),
        b"\x00" + made(),
        b"\x7f" + made(),
        b"\x80",
        made(status=b"\x02"),
        made(status=b"\x00"),
        made(status=bytes(32)),  # a state root, before Byzantium
        made(bloom=bytes(255)),
        made(logs=[[b"a" * 19, [], b""]]),
        made(logs=[[b"a" * 20, [b"t" * 31], b""]]),
        made(logs=[[b"a" * 20, [b"t" * 32] * 5, b""]]),
        made(logs=[[b"a" * 20, []]]),
        made(logs=[b"text"]),
        rlp.encode([b"\x01", 21_000, BLOOM]),
        made() + b"\x00",
    ],
)
def test_refused(data: bytes) -> None:
    with pytest.raises(MalformedEvidence):
        decode(data)


def words(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(32, "big") for number in numbers)


def test_the_event() -> None:
    topics = (anchored_root.TOPIC, b"r" * 32, b"b" * 20)
    padded = (*topics[:2], topics[2].rjust(32, b"\x00"))
    event = anchored_root.decode(Log(b"c" * 20, padded, words(3, 9)))
    assert (event.root, event.old_size, event.new_size, event.by) == (b"r" * 32, 3, 9, b"b" * 20)
    for bad in (
        Log(b"c" * 20, padded[:2], words(3, 9)),
        Log(b"c" * 20, (b"x" * 32, *padded[1:]), words(3, 9)),
        Log(b"c" * 20, padded, words(3)),
        Log(b"c" * 20, padded, words(9, 9)),
        Log(b"c" * 20, padded, words(3, 2**64)),
        Log(b"c" * 20, (*padded[:2], b"\x01" * 32), words(3, 9)),
    ):
        with pytest.raises(VerificationError):
            anchored_root.decode(bad)
