"""The four steps of a hand-over as IHandOver's calls and events: what a body's transaction says, and what it left.

Written out by the contract ABI, so that a proof is read without the contract's artifact:

    offer(bytes32 act, address to)            ActOffered(bytes32 indexed act, address indexed from, address indexed to)
    accept(bytes32 act)                       ActAccepted(bytes32 indexed act, address indexed by)
    reject(bytes32 act, bytes32 reason)       ActRejected(bytes32 indexed act, address indexed by, bytes32 reason)
    complete(bytes32 act, bytes32 outcome)    ActCompleted(bytes32 indexed act, address indexed by, bytes32 outcome)
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sandbox.errors import VerificationError
from sandbox.evidence.keccak import keccak
from sandbox.evidence.transaction_receipt import Log

_WORD = 32


class Step(StrEnum):
    OFFER = "offer"
    ACCEPT = "accept"
    REJECT = "reject"
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class _Shape:
    call: str
    event: str
    words: int  # of 32 bytes each, that the call takes

    @property
    def selector(self) -> bytes:
        return keccak(self.call.encode("ascii"))[:4]

    @property
    def topic(self) -> bytes:
        return keccak(self.event.encode("ascii"))


_SHAPES = {
    Step.OFFER: _Shape("offer(bytes32,address)", "ActOffered(bytes32,address,address)", 2),
    Step.ACCEPT: _Shape("accept(bytes32)", "ActAccepted(bytes32,address)", 1),
    Step.REJECT: _Shape("reject(bytes32,bytes32)", "ActRejected(bytes32,address,bytes32)", 2),
    Step.COMPLETE: _Shape("complete(bytes32,bytes32)", "ActCompleted(bytes32,address,bytes32)", 2),
}
#: Topic 0 of each step's event.
TOPICS = {shape.topic: step for step, shape in _SHAPES.items()}


@dataclass(frozen=True, slots=True)
class Call:
    """A step that somebody asked the contract for. `word` is what it takes besides the 32 bytes of the act.

    Of an offer: the body it is made to, filled up to 32 bytes; the commitment to a reason or an outcome; of an
    acceptance nothing.
    """

    step: Step
    act: bytes
    word: bytes = b""

    def to_data(self) -> bytes:
        """The calldata."""
        return _SHAPES[self.step].selector + self.act + self.word

    def event(self, contract: bytes, by: bytes) -> Log:
        """The log that the contract leaves when the account `by` takes this step."""
        topics = (_SHAPES[self.step].topic, self.act, _filled(by))
        if self.step is Step.OFFER:
            return Log(contract, (*topics, self.word), b"")
        return Log(contract, topics, self.word)


def offer(act: bytes, to: bytes) -> Call:
    return Call(Step.OFFER, act, _filled(to))


def read_call(data: bytes) -> Call:
    """The step that a transaction's calldata asks for; VerificationError where it asks for none."""
    for step, shape in _SHAPES.items():
        if data[:4] == shape.selector and len(data) == 4 + shape.words * _WORD:
            return Call(step, data[4 : 4 + _WORD], data[4 + _WORD :])
    raise VerificationError(f"the transaction asks for no step of a hand-over: its data is {data[:80].hex()}")


def _filled(address: bytes) -> bytes:
    return address.rjust(_WORD, b"\x00")
