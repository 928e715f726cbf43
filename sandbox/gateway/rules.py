"""The rules for one transaction, in the order in which they are asked; the first broken one answers.

decode → chain id (EIP-155) → signature → permissions → gas → fees → known → nonce → upfront cost: `ORDER` has
their slugs. Here are the pure ones; nonce and balance come in as values.
"""

from __future__ import annotations

from sandbox.gateway import errors
from sandbox.gateway.transactions import SignedTransaction, recover
from sandbox.permissions import RULES, Act, Permissions, Ruling, transaction_allowed
from sandbox.spec import TRANSACTION_GAS_CAP, ChainSpec

#: The rules that read the bytes and the signature; what has neither bytes nor signature is not asked.
OF_SIGNED = ("transaction-type", "transaction-format", "eip-155", "signature")
#: Every rule's slug, in the order in which they are asked.
ORDER = (*OF_SIGNED, *RULES, "intrinsic-gas", "gas-cap", "fees", "known", "nonce", "balance")


def sender_of(transaction: SignedTransaction, spec: ChainSpec) -> bytes:
    """The sender's 20 bytes, of a transaction that is signed for this chain and for no other.

    Without this rule a transaction signed for another chain would run here too: an engine may not look.
    """
    if transaction.chain_id is None:
        raise errors.chain_id_required(spec.chain_id)
    if transaction.chain_id != spec.chain_id:
        raise errors.wrong_chain_id(spec.chain_id, transaction.chain_id)
    return recover(transaction)


def permit(permissions: Permissions, act: Act, now: float) -> Ruling:
    """The ruling that allows the act; RpcError -32007 with the rule and how to ask, where none does."""
    ruling = transaction_allowed(permissions, act, now)
    if not ruling.allowed:
        raise errors.not_authorized(ruling, act)
    return ruling


def check_gas(transaction: SignedTransaction, spec: ChainSpec) -> None:
    needed = transaction.intrinsic_gas()
    if transaction.gas < needed:
        raise errors.intrinsic_gas(needed, transaction.gas)
    limit = min(TRANSACTION_GAS_CAP, spec.block_gas_limit)
    if transaction.gas > limit:
        raise errors.gas_limit_exceeded(limit, transaction.gas)
    if transaction.priority > transaction.gas_price:
        raise errors.priority_fee_above_fee()


def check_nonce(transaction: SignedTransaction, expected: int, *, known: bool) -> None:
    """`known`: this very transaction waits or is mined: a resend, told apart from a used-up nonce."""
    if transaction.nonce < expected:
        raise (
            errors.known_transaction(transaction.hash)
            if known
            else errors.nonce_too_low(expected, transaction.nonce)
        )
    if transaction.nonce > expected:
        raise errors.nonce_too_high(expected, transaction.nonce)


def check_cost(transaction: SignedTransaction, balance: int) -> None:
    if transaction.upfront_cost() > balance:
        raise errors.upfront_cost(balance, transaction.upfront_cost())
