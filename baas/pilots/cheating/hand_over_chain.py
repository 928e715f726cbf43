"""The cheating operator of a chain on which two bodies hand acts over: without the bodies' keys, and with them.

What the bodies signed are transactions, which name no time. So the operator seals the same ones again in other blocks, at
another time or in another order, on a second chain that cannot be told from the first by its keys; whoever kept evidence
has the same transaction in two blocks. It seals blocks with anything in them, but a transaction that it rewrites is signed
no more. To make a step that a body did not take it has a contract of its own, whose bodies are its own accounts: that
passes with whoever takes the bodies' accounts from the evidence itself. With a body's own key, as this laboratory holds
it, a step that never was cannot be told from one that was.

The acts are made for the trials by accounts of their own, on copies of the chain: the running one is not touched.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from baas.metrics import CHAIN, OF_A_HAND_OVER, Attack
from baas.pilots.cheating.exhibits import Exhibit, Look
from baas.pilots.cheating.rewritten import rewritten, sealing_key
from baas.pilots.cheating.second_chain import Victim, earliest, fork, second_chain
from sandbox import handover
from sandbox.abi import encode_constructor
from sandbox.accounts import Account, new_account, sign
from sandbox.chain import Chain
from sandbox.evidence import rlp
from sandbox.evidence.commitment import new_salt
from sandbox.evidence.digest import digest_bytes
from sandbox.evidence.hand_over_file import HandOverEvidence
from sandbox.evidence.keccak import keccak
from sandbox.evidence.receipt import SaltedDigest
from sandbox.evidence.trust import TrustedContract, TrustRoot
from sandbox.permissions import ActKind

KEPT: Final = "hand_over"
TWO: Final = "two_hand_overs"
ROOT: Final = "trust_root"
BODIES: Final = "bodies"
#: Gas of one transaction: more than any of these takes, and free here.
GAS: Final = 4_000_000


@dataclass(frozen=True, slots=True)
class Parties:
    """Who deploys the contract, who offers and who takes on: accounts whose keys nothing but this object holds."""

    deployer: Account
    offering: Account
    receiving: Account

    @classmethod
    def new(cls) -> Self:
        return cls(*(new_account(label) for label in ("deployer", "offering", "receiving")))

    def bodies(self) -> bytes:
        """`bodies.json`: the accounts that a verifier knows from before."""
        accounts = {"offering": self.offering, "receiving": self.receiving}
        return json.dumps({name: each.address.hex() for name, each in accounts.items()}).encode()


@dataclass(frozen=True, slots=True)
class Script:
    """Everything that the parties sign for some acts, once: the same raw transactions whatever chain they are put on."""

    parties: Parties
    chain_id: int
    deployment: bytes
    acts: tuple[SaltedDigest, ...]
    outcome: SaltedDigest
    offers: tuple[bytes, ...]
    accepts: tuple[bytes, ...]
    completions: tuple[bytes, ...]

    @classmethod
    def signed(cls, parties: Parties, chain_id: int, contract: bytes, acts: Sequence[SaltedDigest]) -> Self:
        def raw(by: Account, nonce: int, data: bytes, to: bytes | None = contract) -> bytes:
            return sign(by, chain_id=chain_id, nonce=nonce, gas=GAS, to=to, value=0, data=data)

        made, count, outcome = handover.artifact(), len(acts), salted("outcome")
        who = (parties.deployer, parties.offering, parties.receiving)
        init = encode_constructor(made, *(each.address for each in who))
        to, by = parties.receiving, parties.offering
        return cls(
            parties,
            chain_id,
            raw(parties.deployer, 0, init, None),
            tuple(acts),
            outcome,
            tuple(raw(by, n, handover.offer(each.commitment(), to.address)) for n, each in enumerate(acts)),
            tuple(raw(to, n, handover.accept(each.commitment())) for n, each in enumerate(acts)),
            tuple(
                raw(to, count + n, handover.complete(each.commitment(), outcome.commitment()))
                for n, each in enumerate(acts)
            ),
        )

    def played(self, chain: Chain, contract: bytes, *, in_turns: bool = False) -> list[HandOverEvidence]:
        """The evidence of every act, once the chain has all these transactions in its blocks.

        All offers come first, then all that accept them; `in_turns` each is accepted before the next one is offered.
        What one body signed has an order of its own (nonces), which nobody can change.
        """
        parties = self.parties
        for each in (parties.deployer, parties.offering, parties.receiving):
            chain.allow(each.address, ActKind.SEND)
        chain.allow(parties.deployer.address, ActKind.DEPLOY)
        chain.mark_anchored()  # no restore may take away a block that evidence stands on
        (deployed,) = _mined(chain, [self.deployment])
        assert bytes.fromhex(chain.wait(deployed)["contractAddress"][2:]) == contract
        if in_turns:
            pairs = [_mined(chain, each) for each in zip(self.offers, self.accepts, strict=True)]
            offered, accepted = ([pair[at] for pair in pairs] for at in (0, 1))
        else:
            offered, accepted = (_mined(chain, each) for each in (self.offers, self.accepts))
        completed = _mined(chain, self.completions)
        return [
            HandOverEvidence(
                self.chain_id,
                contract,
                act.commitment(),
                act,
                tuple(
                    handover.step_proof(chain.read, sent, chain.sealer_note, opens)
                    for sent, opens in ((offer, None), (accept, None), (complete, self.outcome))
                ),
            )
            for act, offer, accept, complete in zip(self.acts, offered, accepted, completed, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Shown:
    """What there is to show of `records` acts, and what verifiers hold: the trust root from before, and today's."""

    parties: Parties
    trust: TrustRoot
    trust_today: TrustRoot
    kept: tuple[HandOverEvidence, ...]
    again: tuple[HandOverEvidence, ...]
    earlier: tuple[HandOverEvidence, ...]
    reordered: tuple[HandOverEvidence, ...]
    rewritten: tuple[HandOverEvidence, ...]
    impostors: tuple[HandOverEvidence, ...]
    invented: tuple[HandOverEvidence, ...]

    def look(
        self,
        kind: str,
        by: str,
        with_file: str,
        *shown: HandOverEvidence,
        bodies: bool = True,
        today: bool = False,
    ) -> Look:
        """At one hand-over, or at two beside each other; without `bodies` they are taken from the evidence."""
        files: Mapping[str, bytes] = {
            "trust.json": (self.trust_today if today else self.trust).to_bytes(),
            "digest": shown[0].document.digest,
            **({"bodies.json": self.parties.bodies()} if bodies else {}),
            **{
                name: each.to_bytes()
                for name, each in zip(("evidence.json", "other.json"), shown, strict=False)
            },
        }
        return Look(by, with_file, kind, files)


def made(victim: Victim, records: int) -> Shown:
    """Honest hand-overs on a copy of the chain, and everything that the operator makes of them."""
    (chain_id,) = {each.chain_id for each in victim.trust.logs if each.origin == victim.signer.name}
    honest, impostor = Parties.new(), Parties.new()
    true, false = _contract(honest), _contract(impostor)
    acts = [salted(f"act {number}") for number in range(records)]
    invented = [salted(f"invented {number}") for number in range(records)]
    script = Script.signed(honest, chain_id, true, [*acts, *invented])
    with fork(victim) as chain:  # who has the bodies' keys needs no other chain for what never was
        kept = script.played(chain, true)
    with fork(victim) as chain:
        # first, so that no block of here can be one of there: times of blocks are whole seconds
        pretended = Script.signed(impostor, chain_id, false, acts).played(chain, false)
        again = script.played(chain, true)
    with fork(victim) as chain:
        in_turns = script.played(chain, true, in_turns=True)
    with second_chain(victim, earliest(victim)) as chain:
        earlier = script.played(chain, true)
    trust = _naming(victim.trust, chain_id, true)
    return Shown(
        honest,
        trust,
        _naming(trust, chain_id, false),
        tuple(kept[:records]),
        tuple(again[:records]),
        tuple(earlier[:records]),
        tuple(in_turns[:records]),
        tuple(rewritten(each, sealing_key(victim)) for each in kept[:records]),
        tuple(pretended),
        tuple(kept[records:]),
    )


def exhibits(shown: Shown) -> Iterator[Exhibit]:
    """Every attack on every kept hand-over, and the untouched ones."""
    for attack in OF_A_HAND_OVER:
        for number in range(len(shown.kept)):
            yield Exhibit(CHAIN, attack, number, tuple(_looks(attack, shown, number)))


def _looks(attack: Attack, shown: Shown, number: int) -> Iterator[Look]:
    look, mine = shown.look, shown.kept[number]
    match attack:
        case Attack.NONE:
            yield look("hand_over_alone", "verifier", BODIES, mine)
            yield look("hand_over_beside", "holder", KEPT, mine, mine)
        case Attack.DELETE:  # the chain starts anew, and nobody ever handed this over
            yield look("hand_over_denied", "holder", KEPT, mine)
        case Attack.BACK_DATE:  # the bodies' own transactions, sealed once more, earlier
            yield look("hand_over_alone", "verifier", BODIES, shown.earlier[number])
            yield look("hand_over_beside", "holder", KEPT, mine, shown.earlier[number])
        case Attack.EQUIVOCATE:  # the same transactions in blocks that only the other one sees
            yield look("hand_over_alone", "holder", BODIES, mine)
            yield look("hand_over_alone", "holder", BODIES, shown.again[number])
            yield look("hand_over_beside", "third_party", TWO, mine, shown.again[number])
        case Attack.REORDER:  # the same transactions, in turns where they came one kind after the other
            yield look("hand_over_alone", "verifier", BODIES, shown.reordered[number])
            yield look("hand_over_beside", "holder", KEPT, mine, shown.reordered[number])
        case Attack.REWRITE:  # another outcome, in a block that holds what no body signed
            yield look("hand_over_alone", "verifier", ROOT, shown.rewritten[number], bodies=False)
        case Attack.IMPERSONATE:  # another contract, whose bodies are the operator's own accounts
            pretended = shown.impostors[number]
            yield look("hand_over_alone", "verifier", ROOT, pretended, bodies=False, today=True)
            yield look("hand_over_alone", "verifier", BODIES, pretended, today=True)
        case _:  # a step by the body's own key
            yield look("hand_over_alone", "verifier", BODIES, shown.invented[number])
            yield look("hand_over_beside", "holder", KEPT, mine, shown.invented[number])


def salted(name: str) -> SaltedDigest:
    """A fictional document's digest with a fresh salt."""
    return SaltedDigest("sha-256", digest_bytes(f"Document fictici: {name}".encode()).value, new_salt())


def _mined(chain: Chain, raws: Sequence[bytes]) -> list[str]:
    """The hashes of these transactions, once all are in blocks and none was refused."""
    sent = [chain.submit(raw) for raw in raws]
    for each in sent:
        if int(chain.wait(each)["status"], 16) != 1:
            raise AssertionError(f"the operator's own transaction {each} was refused by the contract")
    return sent


def _contract(parties: Parties) -> bytes:
    """The address of the first contract that the deployer makes: of its address and the nonce 0 (EIP-161)."""
    return keccak(rlp.encode([parties.deployer.address, b""]))[12:]


def _naming(trust: TrustRoot, chain_id: int, contract: bytes) -> TrustRoot:
    """The trust root in which this contract is one for hand-overs."""
    named = TrustedContract(contract, handover.TEMPLATE, handover.artifact().code_hash())
    chains = (
        replace(each, contracts=(*each.contracts, named)) if each.chain_id == chain_id else each
        for each in trust.chains
    )
    return replace(trust, chains=tuple(chains))
