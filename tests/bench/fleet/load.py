"""The load's own process: `python -m tests.bench.fleet.load` reads one JSON job from standard input.

{"url", "bodies": [text], "clients": n}: every client sends its share of the bodies, one after the other, over a connection
of its own. Prints {"seconds", "errors"}: an answer that holds a JSON-RPC error is an error.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from typing import Any

from tests.bench.fleet.rpc import Rpc


def run(url: str, bodies: list[bytes], clients: int) -> dict[str, Any]:
    """The load from another process, so that it does not share this one's interpreter with a server."""
    job = json.dumps({"url": url, "bodies": [body.decode() for body in bodies], "clients": clients})
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.fleet.load"],
        input=job,
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["errors"] == 0, result
    return result


def _main() -> None:
    job = json.load(sys.stdin)
    clients: int = job["clients"]
    errors = [0]
    ready = threading.Barrier(clients + 1)

    def work(bodies: list[bytes]) -> None:
        rpc = Rpc(job["url"])
        ready.wait()
        for body in bodies:
            errors[0] += rpc.post(body).count(b'"error"')

    threads = [
        threading.Thread(target=work, args=([text.encode() for text in job["bodies"][number::clients]],))
        for number in range(clients)
    ]
    for thread in threads:
        thread.start()
    ready.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    json.dump({"seconds": time.perf_counter() - start, "errors": errors[0]}, sys.stdout)


if __name__ == "__main__":
    _main()
