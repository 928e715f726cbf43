"""The gateway's refusals: JSON-RPC 2.0's and Besu's codes and messages, word for word.

Each name builds one RpcError; `data` says in the same shape what the rule was and, where a person decides,
how to ask. Codes: JSON-RPC 2.0 section 5.1 and Besu's RpcErrorType.
"""

from __future__ import annotations

from typing import Any

from sandbox.errors import RpcError
from sandbox.permissions import Act, Ruling

#: Besu's code for every permission (RpcErrorType).
NOT_AUTHORIZED = -32007


def _refusal(code: int, message: str, rule: str, **data: Any) -> RpcError:
    return RpcError(code, message, {"rule": rule, **data})


def detail_of(error: RpcError) -> str:
    """What a refusal's data says besides its rule, as one line for the record."""
    data = error.data if isinstance(error.data, dict) else {}
    kept = {
        key: data[key]
        for key in ("detail", "expected", "got", "limit", "needed", "balance", "cost")
        if key in data
    }
    line = ", ".join(f"{key} {value}" for key, value in kept.items())
    # What came in may hold anything: only what a text column can hold.
    return line.encode("ascii", "backslashreplace").decode()


def parse_error(detail: str) -> RpcError:
    return _refusal(-32700, "Parse error", "json", detail=detail)


def invalid_request(detail: str) -> RpcError:
    return _refusal(-32600, "Invalid Request", "json-rpc-2.0", detail=detail)


def body_too_large(limit: int, got: int) -> RpcError:
    return _refusal(-32600, "Invalid Request", "body-size", limit=limit, got=got)


def batch_too_large(limit: int, got: int) -> RpcError:
    return _refusal(-32005, "Number of requests exceeds max batch size", "batch-size", limit=limit, got=got)


def log_range_too_large(limit: int, got: int) -> RpcError:
    return _refusal(
        -32005, "Requested range exceeds maximum RPC range limit", "log-range", limit=limit, got=got
    )


def answer_too_large(limit: int) -> RpcError:
    return _refusal(-32005, "Response exceeds maximum size: ask for less at once", "answer-size", limit=limit)


def method_not_found() -> RpcError:
    return _refusal(-32601, "Method not found", "method-table")


def method_not_enabled() -> RpcError:
    return _refusal(-32604, "Method not enabled", "method-table")


def invalid_params(detail: str) -> RpcError:
    return _refusal(-32602, "Invalid params", "params", detail=detail)


def filter_not_found() -> RpcError:
    return _refusal(-32000, "Filter not found", "filter")


def subscription_not_found() -> RpcError:
    return _refusal(-32000, "Subscription not found", "subscription")


def too_many_filters(limit: int) -> RpcError:
    return _refusal(-32005, "Too many filters on this chain: uninstall some", "filters", limit=limit)


def too_many_subscriptions(limit: int) -> RpcError:
    return _refusal(-32005, "Too many subscriptions: unsubscribe some", "subscriptions", limit=limit)


def notifications_unsupported() -> RpcError:
    return _refusal(
        -32604, "Method not enabled", "websocket", detail="subscriptions go over WebSocket, at the same URL"
    )


def internal_error() -> RpcError:
    return RpcError(-32603, "Internal error")


def timeout_expired(seconds: float) -> RpcError:
    return _refusal(-32603, "Timeout expired", "time-limit", seconds=seconds)


def invalid_transaction(detail: str) -> RpcError:
    message = "Invalid transaction params (missing or incorrect)"
    return _refusal(-32602, message, "transaction-format", detail=detail)


def invalid_transaction_type(got: int) -> RpcError:
    return _refusal(-32602, "Invalid transaction type", "transaction-type", expected=[0, 1, 2], got=got)


def chain_id_required(expected: int) -> RpcError:
    return _refusal(-32000, "ChainId is required", "eip-155", expected=expected)


def wrong_chain_id(expected: int, got: int) -> RpcError:
    return _refusal(-32000, "Wrong chainId", "eip-155", expected=expected, got=got)


def invalid_signature(detail: str) -> RpcError:
    return _refusal(-32002, "Invalid signature", "signature", detail=detail)


def not_authorized(ruling: Ruling, act: Act) -> RpcError:
    """Besu's one code and message for every permission; `data` says by which rule, and how to ask."""
    return _refusal(
        NOT_AUTHORIZED,
        "Sender account not authorized to send transactions",
        ruling.rule,
        subject=f"0x{ruling.subject.hex()}",
        target=None if act.target is None else f"0x{act.target.hex()}",
        selector=None if act.selector is None else f"0x{act.selector.hex()}",
        value=hex(act.value),
        permission=ruling.permission,
        how_to_ask=ruling.how_to_ask,
    )


def suspended(reason: str) -> RpcError:
    return _refusal(-32007, "Administration suspended", "suspended", reason=reason)


def intrinsic_gas(needed: int, got: int) -> RpcError:
    return _refusal(-32003, "Intrinsic gas exceeds gas limit", "intrinsic-gas", needed=needed, got=got)


def gas_limit_exceeded(limit: int, got: int) -> RpcError:
    return _refusal(-32005, "Transaction gas limit exceeds block gas limit", "gas-cap", limit=limit, got=got)


def priority_fee_above_fee() -> RpcError:
    return _refusal(-32000, "Max priority fee per gas exceeds max fee per gas", "fees")


def nonce_too_low(expected: int, got: int) -> RpcError:
    return _refusal(-32001, "Nonce too low", "nonce", expected=expected, got=got)


def nonce_too_high(expected: int, got: int) -> RpcError:
    return _refusal(-32006, "Nonce too high", "nonce", expected=expected, got=got)


def upfront_cost(balance: int, cost: int) -> RpcError:
    return _refusal(-32004, "Upfront cost exceeds account balance", "balance", balance=balance, cost=cost)


def known_transaction(transaction_hash: bytes) -> RpcError:
    return _refusal(-32000, "Known transaction", "known", transaction=f"0x{transaction_hash.hex()}")
