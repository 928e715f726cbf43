"""The exchange service alone, in a process of its own: `python -m baas.exchange_service --data DIR --port 0`.

It stands on a trust service of its own, in `DIR/trust-service`. With `--authorise CODE:PRODUCT:MODALITY:PURPOSE` the
organisation is enrolled there, and authorised. When it listens it prints one line of JSON: `url`, the file of the `roots`
(PEM), and `keys`, the directory in which `CODE.pem` has each organisation's application key, its certificate and those
above it, which only their owner can read. SIGTERM and SIGINT end it when what is being answered has been answered.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from baas.ades import pem
from baas.clock import SystemClock
from baas.errors import BaasError
from baas.exchange_service.service import ExchangeService
from baas.trust_service.files import put
from baas.trust_service.service import TrustService

ROOTS, KEYS, TRUST_SERVICE = "roots.pem", "keys", "trust-service"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m baas.exchange_service", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="its directory, made when it is not there")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 for any that is free")
    parser.add_argument(
        "--authorise",
        action="append",
        default=[],
        metavar="CODE:PRODUCT:MODALITY:PURPOSE",
        help="may be given several times",
    )
    parser.add_argument("--legacy-sha1", action="store_true", help="accepts messages signed with RSA-SHA1")
    given = parser.parse_args(arguments)
    trust_service = exchange = None
    ended = threading.Event()
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: ended.set())
    try:
        clock = SystemClock()
        trust_service = TrustService.open(given.data / TRUST_SERVICE, clock)
        exchange = ExchangeService.open(given.data, clock, trust_service, given.legacy_sha1)
        for each in given.authorise:
            _authorise(exchange, trust_service, given.data / KEYS, each)
        roots = put(given.data / ROOTS, exchange.roots_pem)
        exchange.start()
        said = {
            "url": exchange.serve(given.host, given.port),
            "roots": roots,
            "keys": str((given.data / KEYS).absolute()),
        }
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
        ended.wait()
    except (BaasError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        if exchange is not None:
            exchange.close()
        if trust_service is not None:
            trust_service.close()
    return 0


def _authorise(exchange: ExchangeService, trust_service: TrustService, keys: Path, text: str) -> None:
    """Raises BaasError."""
    parts = text.split(":", 3)
    if len(parts) != 4:
        raise BaasError(f"--authorise: expected CODE:PRODUCT:MODALITY:PURPOSE, got {text!r}")
    code = parts[0]
    if not trust_service.pki.has_seal(code):
        trust_service.enrol(code, f"Ens {code}")
    keys.mkdir(mode=0o700, exist_ok=True)
    put(keys / f"{code}.pem", pem.write(trust_service.pki.application(code).signer))
    exchange.authorise(*parts)


if __name__ == "__main__":
    sys.exit(main())
