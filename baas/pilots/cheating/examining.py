"""The child that looks at exhibits with every server off: it refuses every socket, and gets files alone.

Run as `python -m baas.pilots.cheating.examining`, never imported. Reads from standard input, as JSON, a list of looks,
`{"kind", "files": {name: base64}}`; writes `{"refused": …, "found": [{"contradiction", "seconds"}]}` with one answer for
each. Before the first it tries to reach this machine's own loopback: `refused` is what came of that.

An event loop of asyncio wakes itself up by a pair of connected local sockets, which reach nobody: to be made is all that
they are allowed, as every other use of a socket raises.
"""

import socket
import sys


def refuse_sockets(event: str, arguments: tuple[object, ...]) -> None:
    if not event.startswith("socket.") or (event == "socket.__new__" and arguments[1] == socket.AF_UNIX):
        return
    raise PermissionError(f"{event}: this process examines with every server off and may use no socket")


sys.addaudithook(refuse_sockets)

import base64  # noqa: E402  # under the hook, so that not even an import opens a socket
import json  # noqa: E402
import time  # noqa: E402

from baas.pilots.cheating.looks import KINDS  # noqa: E402


def refused() -> str:
    """What trying to connect says; the process ends where nothing refuses it."""
    try:
        socket.create_connection(("127.0.0.1", 9), timeout=0.1).close()
    except PermissionError as error:
        return str(error)
    except OSError as error:
        sys.exit(f"the network is reachable ({error}): nothing that is found here would show anything")
    sys.exit("the network is reachable: nothing that is found here would show anything")


def main() -> None:
    task = json.load(sys.stdin)
    why, found = refused(), []
    for look in task:
        files = {name: base64.b64decode(data) for name, data in look["files"].items()}
        shown = time.perf_counter()
        contradiction = KINDS[look["kind"]](files)
        found.append({"contradiction": contradiction, "seconds": time.perf_counter() - shown})
    json.dump({"refused": why, "found": found}, sys.stdout)


main()
