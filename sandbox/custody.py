"""The custodial accounts of an open chain: made, brought in, handed out, and unlocked when one is to sign.

A key is decrypted on its first use and then kept in memory while the chain is open, so that a chain wakes
without paying for it. One lock for each label orders what is signed: different accounts do not wait for
each other.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from eth_utils.address import to_checksum_address

from sandbox.account_records import AccountRecord, AccountRecords, AccountState
from sandbox.accounts import Account, account_of, new_account
from sandbox.errors import AccountError
from sandbox.keystore import Vault, export_keystore

Clock = Callable[[], float]  # seconds since 1970

#: The fewest characters of a password that a key is handed out under.
SHORTEST_PASSWORD = 12


class Accounts:
    """The chain's custodial accounts, by label. A new one has no permission. Thread-safe."""

    def __init__(self, records: AccountRecords, vault: Vault, clock: Clock) -> None:
        self._records, self._vault, self._clock = records, vault, clock
        self._unlocked: dict[bytes, Account] = {}
        self._signing: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        self._guard = threading.Lock()

    def create(self, label: str) -> str:
        """A fresh account; its address. AccountError when the label is in use or is none."""
        return self._keep(new_account(label), AccountState.CURRENT)

    def bring_in(self, label: str, private_key: bytes) -> str:
        """An account with a key from elsewhere; its address. AccountError when label, key or address is no good."""
        return self._keep(account_of(label, private_key), AccountState.CURRENT)

    def hand_out(self, label: str, password: str) -> str:
        """The account's key as a keystore v3 under `password`, which cast, geth and wallets read."""
        if len(password) < SHORTEST_PASSWORD:
            raise AccountError(
                f"a key is handed out under a password of at least {SHORTEST_PASSWORD} characters, got {len(password)}"
            )
        return export_keystore(self.unlocked(label).private_key, password)

    def address(self, label: str) -> str:
        return to_checksum_address(self._records.get(label).address)

    def list(self) -> dict[str, str]:
        """Addresses by label, oldest first."""
        return {each.label: to_checksum_address(each.address) for each in self._records.all()}

    def history(self, label: str) -> tuple[AccountRecord, ...]:
        """Every account that the label ever meant, the oldest first; AccountError for a label that is unknown."""
        return tuple(self._records.history(label)) or (self._records.get(label),)

    def at(self, address: bytes) -> AccountRecord | None:
        """The account that an address is, or was, on this chain."""
        return self._records.at(address)

    @contextmanager
    def signing(self, label: str) -> Iterator[None]:
        """Held from signing with the account until the chain has the transaction: its nonces stay in order.

        The thread that holds it may enter again.
        """
        self._records.get(label)  # AccountError: a label that is none gets no lock
        with self._guard:
            lock = self._signing[label]
        with lock:
            yield

    def unlocked(self, label: str, state: AccountState = AccountState.CURRENT) -> Account:
        """The account with its key, to sign with. KeystoreError where the vault cannot open it."""
        record = self._records.get(label, state)
        account = self._unlocked.get(record.address)
        if account is None:
            account = Account(label, record.address, self._vault.decrypt(record.keystore))
            self._unlocked[record.address] = account
        return account

    def prepare_next(self, label: str) -> AccountRecord:
        """The account that is to follow the label's current one, made when there is none yet."""
        found = self._records.find(label, AccountState.NEXT)
        if found is None:
            self._keep(new_account(label), AccountState.NEXT)
        return self._records.get(label, AccountState.NEXT)

    def _keep(self, account: Account, state: AccountState) -> str:
        keystore = self._vault.encrypt(account.private_key)
        created_ms = int(self._clock() * 1000)
        self._records.add(AccountRecord(account.label, account.address, keystore, state, created_ms))
        return to_checksum_address(account.address)
