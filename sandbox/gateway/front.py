"""The gateway's front: one body in, one answer out; never an exception.

Writes of a body are ruled and committed first, together; then its reads are answered, in order, the newest block's
number before all others. JSON-RPC leaves the order in a batch open, and so a batch may send and then read what is
pending, and never learns of a block that its other answers do not know yet. Every refusal is recorded in the journal.
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.engines import Node
from sandbox.errors import EngineBusy, EngineError, EngineTimeout, RpcError
from sandbox.evidence.keccak import keccak
from sandbox.gateway import errors
from sandbox.gateway.admission import Admission
from sandbox.gateway.endpoints import Asker, Endpoint, Handler
from sandbox.gateway.metering import Meter, Unmetered
from sandbox.gateway.methods import Kind, MethodTable
from sandbox.gateway.parse import Call, Id, parse
from sandbox.gateway.transactions import decode, pending_json
from sandbox.journal import Journal
from sandbox.permission_records import PermissionRecords
from sandbox.refusal_records import Refusal, RefusalRecords
from sandbox.spec import TRANSACTION_GAS_CAP, ChainSpec

_log = logging.getLogger(__name__)
_HEX = re.compile(r"0x(?:[0-9a-fA-F]{2})*\Z")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}\Z")
_HASH = re.compile(r"0x[0-9a-fA-F]{64}\Z")
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}\Z")

#: Blocks that one eth_getLogs may span (Besu's default is the same).
MAX_LOG_RANGE = 5_000
#: Bytes of JSON that the reads of one body may be answered with (geth's default for a batch is the same).
MAX_ANSWER = 25_000_000
#: Answered before a batch's other reads. ethers asks for it together with a receipt, and where there is none yet looks
#: again when the number has grown: a number from after the receipt's look would have it wait for ever.
_NEWEST = "eth_blockNumber"
#: Rules of reads whose refusals are recorded: what costs much.
_KEPT = frozenset({"answer-size", "log-range", "time-limit"})


@dataclass(slots=True)
class _Budget:
    """What is left for the reads of one body: until when (monotonic seconds), and bytes of answer."""

    deadline: float
    room: int = MAX_ANSWER


PUBLIC, PLATFORM = Asker(Endpoint.PUBLIC), Asker(Endpoint.PLATFORM)


class Gateway:
    """The door of one chain. Thread-safe. `clock` gives seconds since 1970; limits are wall-clock seconds.

    `own` and `admin` are the methods answered here, for everybody and for administrators; `asked` are those that
    on our own chains are constants, and here go to the node. `linger` is called with the hash of a transaction that
    was the only one of its body, on disk by then, before the answer goes out.
    """

    def __init__(
        self,
        spec: ChainSpec,
        node: Node,
        journal: Journal,
        permissions: PermissionRecords,
        refusals: RefusalRecords,
        *,
        reads: frozenset[str],
        on_accepted: Callable[[list[bytes]], None],
        own: Mapping[str, Handler] | None = None,
        admin: Mapping[str, Handler] | None = None,
        asked: frozenset[str] = frozenset(),
        linger: Callable[[bytes], None] = lambda transaction_hash: None,
        clock: Callable[[], float] = time.time,
        meter: Meter | None = None,
        call_seconds: float = 5.0,
        read_seconds: float = 10.0,
        body_seconds: float = 30.0,
    ) -> None:
        self._spec, self._node, self._journal, self._clock = spec, node, journal, clock
        self._refusals = refusals
        self._linger = linger
        self._methods = MethodTable(reads, own or {}, admin or {}, asked)
        self._call_seconds, self._read_seconds, self._body_seconds = call_seconds, read_seconds, body_seconds
        self._meter: Meter = meter or Unmetered()
        self.admission = Admission(
            spec, journal, permissions, refusals, self._from_node, self._now_ms, on_accepted, self._meter
        )

    def handle(self, body: bytes, asker: Asker = PUBLIC) -> bytes | None:
        """Answer a JSON-RPC body; None when it held only notifications."""
        try:
            parsed = parse(body)
        except RpcError as error:
            self._record([self._refusal(error, "", asker)])
            return _encode(_response(None, error))
        self._meter.calls(len(parsed.calls))
        outcomes = self._run(parsed.calls, asker)
        sent = [
            outcome
            for call, outcome in zip(parsed.calls, outcomes, strict=True)
            if self._methods.is_write(call.method) and isinstance(outcome, str)
        ]
        if len(sent) == 1:
            self._linger(bytes.fromhex(sent[0][2:]))
        answers = [
            _response(call.id, outcome)
            for call, outcome in zip(parsed.calls, outcomes, strict=True)
            if not call.notification
        ]
        if not answers:
            return None
        return _encode(answers if parsed.batch else answers[0])

    def call(self, method: str, *params: Any) -> Any:
        """The same door for the platform's own calls: the result, or RpcError."""
        outcome = self._run((Call(None, False, method, list(params)),), PLATFORM)[0]
        if isinstance(outcome, RpcError):
            raise outcome
        return outcome

    def ask(self, method: str, *params: Any) -> Any:
        """One read for a method that is answered here: ruled as its caller's own would be, and recorded with that."""
        outcome = self._answer(
            self._methods.kind_of(method, PLATFORM), Call(None, False, method, list(params)), PLATFORM
        )
        if isinstance(outcome, RpcError):
            raise outcome
        return outcome

    def _run(self, calls: tuple[Call, ...], asker: Asker) -> list[Any]:
        outcomes, kinds = self._outcomes(calls, asker)
        if asker.endpoint is not Endpoint.PLATFORM:
            for index, outcome in enumerate(outcomes):
                refused_by = str(_rule(outcome) or "node") if isinstance(outcome, RpcError) else None
                self._meter.answered(kinds.get(index, ""), refused_by)
        return outcomes

    def _outcomes(self, calls: tuple[Call, ...], asker: Asker) -> tuple[list[Any], Mapping[int, Kind]]:
        outcomes: list[Any] = [None] * len(calls)
        kinds: dict[int, Kind] = {}
        raws: dict[int, bytes] = {}
        refusals: list[Refusal] = []
        for index, call in enumerate(calls):
            try:
                if call.refused is not None:
                    raise call.refused
                kinds[index] = self._methods.kind_of(call.method, asker)
                if kinds[index] is Kind.WRITE:
                    raws[index] = _raw(call.params)
            except RpcError as error:
                kinds.pop(index, None)
                outcomes[index] = error
                refusals.append(self._refusal(error, call.method, asker))
        if raws:
            admitted = self.admission.admit(list(raws.values()), refusals, asker)
            for index, outcome in zip(raws, admitted, strict=True):
                outcomes[index] = outcome
        else:
            self._record(refusals)
        budget = _Budget(time.monotonic() + self._body_seconds)
        costly: list[Refusal] = []
        for index, kind in sorted(kinds.items(), key=lambda each: calls[each[0]].method != _NEWEST):
            if kind is not Kind.WRITE:
                outcome = outcomes[index] = self._within(budget, kind, calls[index], asker)
                if isinstance(outcome, RpcError) and _rule(outcome) in _KEPT:
                    costly.append(self._refusal(outcome, calls[index].method, asker))
        if costly:
            self._record(costly)  # together: each commit is a disk flush
        return outcomes, kinds

    def _within(self, budget: _Budget, kind: Kind, call: Call, asker: Asker) -> Any:
        """The answer to one read, or a refusal: a batch of slow or large ones cannot hold a thread or fill memory."""
        if time.monotonic() < budget.deadline:
            outcome = self._answer(kind, call, asker)
        else:
            outcome = errors.timeout_expired(self._body_seconds)
        size = len(_encode(_response(call.id, outcome)))
        if size <= budget.room:
            budget.room -= size
        else:
            outcome = errors.answer_too_large(MAX_ANSWER)
        return outcome

    def _answer(self, kind: Kind, call: Call, asker: Asker) -> Any:
        try:
            if kind is Kind.OWN:
                return self._methods.handler(call.method)(asker, call.params)
            if kind is Kind.CONSTANT:
                return self._constant(call.method, call.params)
            return self._execute(call) if kind is Kind.CALL else self._read(call)
        except RpcError as error:
            return error
        except Exception:  # whatever it is, the caller gets an answer and the operator the trace
            _log.exception("%s failed", call.method)
            return errors.internal_error()

    def _constant(self, method: str, params: list[Any]) -> Any:
        if method == "web3_sha3":
            if len(params) != 1 or not _matches(_HEX, params[0]):
                raise errors.invalid_params("expected one string of 0x and an even number of hex digits")
            return f"0x{keccak(bytes.fromhex(params[0][2:])).hex()}"
        return {
            "web3_clientVersion": f"baas-sandbox/{self._spec.engine}/{self._spec.hardfork}",
            "net_version": str(self._spec.chain_id),
            "net_listening": True,
            "eth_chainId": hex(self._spec.chain_id),
            "eth_accounts": [],  # keys are never behind the door
            "eth_syncing": False,
            "eth_gasPrice": "0x0",  # gas is free
            "eth_maxPriorityFeePerGas": "0x0",
        }[method]

    def _read(self, call: Call) -> Any:
        match call.method, call.params:
            case "eth_getTransactionCount", [address, "pending"]:
                if not _matches(_ADDRESS, address):
                    raise errors.invalid_params("expected an address of 0x and 40 hex digits")
                return hex(self.admission.next_nonce(bytes.fromhex(address[2:])))
            case "eth_getTransactionByHash", [hash_] if _matches(_HASH, hash_):
                # Pending first: a block moves it to the chain in one commit, never the other way.
                waiting = self._journal.pending_transaction(bytes.fromhex(hash_[2:]))
                if waiting is not None:
                    return pending_json(decode(waiting.raw), waiting.sender)
            case "eth_getLogs", [dict() as wanted, *_]:
                self._check_log_range(wanted)
        return self._from_node(call.method, *call.params)

    def _execute(self, call: Call) -> Any:
        """eth_call and eth_estimateGas: gas is capped silently, as Besu's --rpc-gas-cap does."""
        params = call.params
        if params and isinstance(params[0], dict):
            asked = params[0].get("gas")
            if asked is not None and not _matches(_QUANTITY, asked):
                raise errors.invalid_params("gas is a quantity such as 0x5208")
            cap = TRANSACTION_GAS_CAP if asked is None else min(int(asked, 16), TRANSACTION_GAS_CAP)
            params = [{**params[0], "gas": hex(cap)}, *params[1:]]
        return self._from_node(call.method, *params, seconds=self._call_seconds)

    def _check_log_range(self, wanted: dict[str, Any]) -> None:
        if "blockHash" in wanted:
            return
        head = self._node.head().number
        first, last = (
            self._block_number(wanted.get(key, "latest"), head) for key in ("fromBlock", "toBlock")
        )
        if last - first > MAX_LOG_RANGE:
            raise errors.log_range_too_large(MAX_LOG_RANGE, last - first)

    def _block_number(self, block: Any, head: int) -> int:
        if block == "earliest":
            return 0
        return min(int(block, 16), head) if _matches(_QUANTITY, block) else head

    def _from_node(self, method: str, *params: Any, seconds: float | None = None) -> Any:
        limit = self._read_seconds if seconds is None else seconds
        try:
            return self._node.read(method, params, time_limit=limit)
        except (EngineTimeout, EngineBusy):
            raise errors.timeout_expired(limit) from None
        except EngineError as error:
            _log.error("%s: the engine failed: %s", method, error)
            raise errors.internal_error() from error

    def _now_ms(self) -> int:
        return int(self._clock() * 1000)

    def _record(self, refusals: list[Refusal]) -> None:
        try:
            self._refusals.add(refusals)
        except Exception:  # the refusal stands even where it cannot be written down
            _log.exception("a refusal could not be recorded")

    def _refusal(self, error: RpcError, method: str, asker: Asker) -> Refusal:
        # What came may hold anything: bounded, and only what a text column can hold.
        name = method[:80].encode("ascii", "backslashreplace").decode()
        return Refusal(
            self._now_ms(),
            asker.endpoint,
            error.code,
            error.data["rule"],
            None,
            None,
            name,
            detail=errors.detail_of(error),
            actor=asker.actor,
        )


def refuse(body: bytes, error: RpcError) -> bytes | None:
    """The answer to a body when one error is the answer to each of its calls: its chain's doors are closed.

    What cannot be parsed is answered as such. No chain is needed for it.
    """
    try:
        parsed = parse(body)
    except RpcError as malformed:
        return _encode(_response(None, malformed))
    answers = [_response(call.id, error) for call in parsed.calls if not call.notification]
    if not answers:
        return None
    return _encode(answers if parsed.batch else answers[0])


def _rule(error: RpcError) -> Any:
    """The gateway's own rule; None for a node's error, whose data is anything."""
    return error.data.get("rule") if isinstance(error.data, dict) else None


def _raw(params: list[Any]) -> bytes:
    if len(params) != 1 or not _matches(_HEX, params[0]):
        raise errors.invalid_params("expected one string: the signed transaction as 0x and hex digits")
    return bytes.fromhex(params[0][2:])


def _matches(pattern: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and pattern.match(value) is not None


def _response(identifier: Id, outcome: Any) -> dict[str, Any]:
    if not isinstance(outcome, RpcError):
        return {"jsonrpc": "2.0", "id": identifier, "result": outcome}
    error: dict[str, Any] = {"code": outcome.code, "message": outcome.message}
    if outcome.data is not None:
        error["data"] = outcome.data
    return {"jsonrpc": "2.0", "id": identifier, "error": error}


def _encode(answer: Any) -> bytes:
    return json.dumps(answer, separators=(",", ":")).encode()
