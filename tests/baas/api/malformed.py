"""A generator of malformed JSON-RPC: from a seed, HTTP requests that are wrong at one or more of four levels.

A call is drawn from a grammar (methods, parameters that nearly hold), then spoilt as a value (types, names, nesting,
duplicate keys), as text (cut, flipped, other encodings), and as an HTTP request (content types, lengths, chunks). Each
level is left alone often enough for the next one to be reached.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from sandbox.gateway.methods import METHODS

OWN = ("eth_newFilter", "eth_newBlockFilter", "eth_newPendingTransactionFilter", "eth_getFilterChanges",
       "eth_getFilterLogs", "eth_uninstallFilter", "eth_subscribe", "eth_unsubscribe")  # fmt: skip
DANGEROUS = ("evm_snapshot", "evm_revert", "evm_mine", "evm_increaseTime", "evm_setNextBlockTimestamp", "anvil_reset",
             "hardhat_setBalance", "debug_traceTransaction", "personal_sign", "admin_peers", "perm_getAccountsAllowlist",
             "perm_addAccountsToAllowlist", "baas_explain", "eth_sendTransaction", "eth_sign", "eth_getProof",
             "rpc_modules", "miner_start", "txpool_content", "trace_block", "eth_createAccessList")  # fmt: skip
NAMES = (*METHODS, *OWN, *DANGEROUS)
#: Above the gateway's limit and below the server's: past that one, a connection is ended (test_rpc.py sees to it).
LARGEST = 3_000_000
ADDRESS, HASH = f"0x{'11' * 20}", f"0x{'22' * 32}"


class Pairs(list[tuple[str, Any]]):
    """An object's members in order; the same key may come twice."""


@dataclass(frozen=True)
class Malformed:
    """One request: bytes for the socket. `framed` is whether its length is what it says: then an answer is due."""

    raw: bytes
    body: bytes
    framed: bool


class Generator:
    """`requests(path, headers)` for as long as one asks; equal seeds give equal requests."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def request(self, path: str, headers: dict[str, str]) -> Malformed:
        body = self.body()
        return self._http(path, headers, body)

    def body(self) -> bytes:
        value = self._batch() if self.random.random() < 0.15 else self._call()
        text = self._text(value)
        spoilt = self.random.random() < 0.4
        return (self._spoilt(text) if spoilt else text.encode("utf-8", "surrogatepass"))[:LARGEST]

    # -- values ------------------------------------------------------------------------------------

    def _call(self) -> Any:
        chance = self.random.random
        if chance() < 0.03:
            return self._odd()
        pairs = Pairs([("jsonrpc", "2.0"), ("id", self.random.randrange(1000)), ("method", self._method())])
        if chance() < 0.95:
            pairs.append(("params", self._params()))
        for index in range(len(pairs)):
            if chance() < 0.08:
                pairs[index] = (pairs[index][0], self._odd())
            if chance() < 0.03:
                pairs[index] = (self._name(pairs[index][0]), pairs[index][1])
        if chance() < 0.08:
            pairs.append((self.random.choice(pairs)[0], self._odd()))
        if chance() < 0.08:
            del pairs[self.random.randrange(len(pairs))]
        if chance() < 0.1:
            self.random.shuffle(pairs)
        return pairs

    def _batch(self) -> Any:
        size = self.random.choice((0, 1, 2, 3, 5, 20))
        if self.random.random() < 0.03:
            size = self.random.choice((999, 1_000, 1_001, 5_000))
            return [1] * size if self.random.random() < 0.5 else [self._call()] * size
        calls = [self._call() for _ in range(size)]
        return [calls] if self.random.random() < 0.1 else calls

    def _method(self) -> Any:
        name = self.random.choice(NAMES)
        return self._name(name) if self.random.random() < 0.15 else name

    def _name(self, name: str) -> str:
        match self.random.randrange(8):
            case 0:
                return name.upper()
            case 1:
                return name.swapcase()
            case 2:
                return f" {name}"
            case 3:
                return f"{name}\t\n"
            case 4:
                return name.replace("e", "е")  # a Cyrillic letter
            case 5:
                return f"{name}\0"
            case 6:
                return name * self.random.choice((2, 100, 5_000))
        return name.replace("_", "")

    def _params(self) -> Any:
        if self.random.random() < 0.06:
            return self._odd()
        params = [self._parameter() for _ in range(self.random.choice((0, 1, 1, 2, 2, 3, 4)))]
        if self.random.random() < 0.03:
            params += [0] * self.random.choice((10, 10_000))
        return params

    def _parameter(self) -> Any:
        choice = self.random.choice
        match self.random.randrange(10):
            case 0:
                return choice((ADDRESS, HASH, ADDRESS.upper(), ADDRESS[:-1], f"{ADDRESS}0", "0x", "0X11", ""))
            case 1:
                return choice(
                    ("latest", "earliest", "pending", "safe", "finalized", "Latest", "0x0", "0x", "0x00")
                )
            case 2:
                return choice(
                    (hex(2**64), hex(2**256), "0x" + "f" * 1_000, "-0x1", "0x-1", "1e3", "0b1", "٣")
                )
            case 3:
                return choice((True, False, None))
            case 4:
                return Pairs(
                    (choice(("from", "to", "data", "input", "gas", "gasPrice", "value", "nonce", "accessList",
                             "type", "maxFeePerGas", "chainId", "blobs")), self._inner())
                    for _ in range(self.random.randrange(6))
                )  # fmt: skip
            case 5:
                return Pairs(
                    (
                        choice(("fromBlock", "toBlock", "blockHash", "address", "topics", "limit")),
                        self._inner(),
                    )
                    for _ in range(self.random.randrange(5))
                )
            case 6:
                return choice(("newHeads", "logs", "newPendingTransactions", "syncing", "0x" + "0" * 32))
            case 7:
                return "0x" + self.random.randbytes(self.random.choice((1, 32, 110, 500))).hex()
            case 8:
                return [self._inner() for _ in range(self.random.randrange(5))]
        return self._odd()

    def _inner(self) -> Any:
        return self._odd() if self.random.random() < 0.3 else self._flat()

    def _flat(self) -> Any:
        return self.random.choice(
            (ADDRESS, HASH, "0x", "0x1", "0xffffff", "latest", None, [], [ADDRESS] * 3, [HASH, None, [HASH]],
             [[[HASH]]], "0x" + "00" * 40, "0x" + "5b" * 2_000, 0, 21_000)
        )  # fmt: skip

    def _odd(self) -> Any:
        choice = self.random.choice
        match self.random.randrange(12):
            case 0:
                return choice((0, -1, 1.5, -0.0, 1e308, 2**53, 2**63, 2**64, 2**256, -(2**256)))
            case 1:
                return Raw(
                    choice(("NaN", "Infinity", "-Infinity", "1e999", "01", "+1", ".5", "1.", "0x1", "1_0"))
                )
            case 2:
                return Raw(choice("19") * choice((20, 400, 4_301, 20_000)))
            case 3:
                return choice((None, True, False))
            case 4:
                return choice(
                    ("", " ", "\0", "\ud800", "\udfff\ud800", "\U0010ffff", "é", "\u202e", "﷽" * 100, "\x7f")
                )
            case 5:
                return choice("[{a") * choice((10, 10_000))
            case 6:
                return self._deep(self.random.choice((5, 31, 33, 99, 101, 2_000)))
            case 7:
                return Pairs([("a", 1), ("a", 2)])
            case 8:
                return Pairs([("__proto__", Pairs()), ("constructor", None), ("", 1)])
            case 9:
                return [None] * choice((1, 50, 5_000))
            case 10:
                return Raw(
                    choice(
                        ('"\\x"', '"\\u12"', "'a'", '"a', "nul", "tru", "[1,]", '{"a":}', "{1:2}", "/**/1")
                    )
                )
        return choice(([], Pairs(), [[]], "2.0", "1.0", 2.0))

    def _deep(self, levels: int) -> Any:
        opening, closing = self.random.choice((("[", "]"), ('{"a":', "}")))
        return Raw(opening * levels + "1" + closing * levels)

    # -- text --------------------------------------------------------------------------------------

    def _text(self, value: Any) -> str:
        match value:
            case Raw():
                return value
            case Pairs():
                members = (f"{self._text(name)}{self._space()}:{self._text(inner)}" for name, inner in value)
                return "{" + ",".join(members) + "}"
            case list():
                return "[" + ",".join(map(self._text, value)) + "]"
            case str():
                return self._string(value)
            case None:
                return "null"
            case bool():
                return "true" if value else "false"
        return repr(value)

    def _space(self) -> str:
        return self.random.choice(("", "", "", " ", "\n\t\r ", "\u00a0", "\v"))

    def _string(self, value: str) -> str:
        if self.random.random() < 0.1:
            return '"' + "".join(f"\\u{unit:04x}" for unit in _units(value)) + '"'
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'  # control characters as they are: JSON forbids them

    def _spoilt(self, text: str) -> bytes:
        body = text.encode("utf-8", "surrogatepass")
        place = self.random.randrange(len(body) + 1)
        match self.random.randrange(10):
            case 0:
                return body[:place]
            case 1:
                return body[place:]
            case 2:
                return body[:place] + self.random.randbytes(self.random.randrange(1, 9)) + body[place:]
            case 3 if body:
                flipped = bytearray(body)
                for _ in range(self.random.randrange(1, 5)):
                    flipped[self.random.randrange(len(flipped))] ^= 1 << self.random.randrange(8)
                return bytes(flipped)
            case 4:
                return text.encode(self.random.choice(("utf-16", "utf-16-le", "utf-32")), "surrogatepass")
            case 5:
                return b"\xef\xbb\xbf" + body
            case 6:
                return body + self.random.choice((body, b"\0", b",", b"]", b"\n\n", b"//", b"}"))
            case 7:
                return self.random.randbytes(self.random.randrange(200))
            case 8:
                return b" " * self.random.choice((1, 1_000, 100_000)) + body
        return body.replace(b'"', self.random.choice((b"'", b"", b'""', b"\xe2\x80\x9c")))

    # -- HTTP --------------------------------------------------------------------------------------

    def _http(self, path: str, headers: dict[str, str], body: bytes) -> Malformed:
        chance, choice = self.random.random, self.random.choice
        lines = dict(headers) | {"Host": "x", "Content-Type": "application/json"}
        if chance() < 0.15:
            lines["Content-Type"] = choice(
                (
                    "text/plain",
                    "",
                    "application/json; charset=utf-16",
                    "multipart/form-data",
                    "x",
                    "a/b;c",
                    "é" * 50,
                )
            )
        if chance() < 0.02:
            del lines["Content-Type"]
        if chance() < 0.03:
            lines["Content-Encoding"] = choice(("gzip", "br", "x"))
        if chance() < 0.03:
            lines["Idempotency-Key"] = choice(("", "x" * 300, "é"))
        method = choice(("GET", "PUT", "OPTIONS", "HEAD", "PATCH", "X")) if chance() < 0.02 else "POST"
        framed, sent = True, body
        if chance() < 0.05:
            framed = False
            lines["Content-Length"] = choice(
                (str(len(body) + 7), str(max(0, len(body) - 7)), "-1", "x", "1, 2", "9" * 30, " ", "0x10")
            )
        elif chance() < 0.1:
            lines["Transfer-Encoding"] = "chunked"
            cut = self.random.randrange(len(body) + 1)
            pieces = [piece for piece in (body[:cut], body[cut:]) if piece]
            sent = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
            if chance() < 0.2:
                framed, sent = False, choice((sent[:-3], b"zz\r\n" + sent, sent.replace(b"\r\n", b"\n")))
        else:
            lines["Content-Length"] = str(len(body))
        head = f"{method} {path} HTTP/1.1\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in lines.items()
        )
        return Malformed(head.encode("latin-1") + b"\r\n" + sent, body, framed and method != "HEAD")


class Raw(str):
    """Text that goes out as it is, whether or not it is JSON."""

    __slots__ = ()


def _units(text: str) -> list[int]:
    """UTF-16's code units, surrogates alone too."""
    data = text.encode("utf-16-be", "surrogatepass")
    return [int.from_bytes(data[place : place + 2]) for place in range(0, len(data), 2)]
