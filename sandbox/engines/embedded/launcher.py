"""The launcher: a single-threaded process with py-evm loaded that forks the workers and alone kills them.

Run as `python -m sandbox.engines.embedded.launcher DESCRIPTOR` with a Unix socket. A fork of it costs
milliseconds where a fresh interpreter costs a second. Only a parent can kill a child without ever meeting a
reused process id. At the socket's end of file it kills its workers and exits; a worker dies with it
(PR_SET_PDEATHSIG on Linux).
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal
import socket
import sys
import time
import traceback
from typing import Any, NoReturn

from sandbox.engines.embedded import wire
from sandbox.errors import SandboxError

_PR_SET_PDEATHSIG = 1


def main(descriptor: int) -> int:
    control = socket.socket(fileno=descriptor)
    try:
        from sandbox.engines.embedded import worker  # loads py-evm, for every fork to share
    except SandboxError as error:
        wire.send(control, {"failed": str(error)})
        return 1
    gc.collect()
    gc.freeze()  # keeps the collector from writing to pages that the workers share
    wire.send(control, {"ready": os.getpid()})
    workers: set[int] = set()
    try:
        while True:
            request, received = wire.receive_with_descriptors(control)
            if request["do"] == "start":
                # With every start the service sends the worker's end and the file for its messages.
                workers.add(pid := _start(request["role"], received, control, worker.serve))
                for each in received:
                    os.close(each)
                wire.send(control, {"pid": pid})
            else:
                status = _stop(request["pid"], request["grace"]) if request["pid"] in workers else None
                workers.discard(request["pid"])
                wire.send(control, {"status": status})
    except wire.Closed:
        for pid in workers:
            _stop(pid, grace=0.0)
    return 0


def _start(role: str, received: list[int], control: socket.socket, serve: Any) -> int:
    """Fork one worker. The parent gets its process id; the child never returns."""
    launcher = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        control.close()
        _die_with(launcher)
        end, messages = received
        os.dup2(messages, 2)
        os.close(messages)
        with socket.socket(fileno=end) as connection:
            serve(connection, role)
        status = 0
    except BaseException:
        traceback.print_exc(limit=-20)
    finally:
        _exit(status)


def _exit(status: int) -> NoReturn:
    sys.stderr.flush()
    os._exit(status)  # without the launcher's own exit handlers


def _die_with(parent: int) -> None:
    """A busy worker must not outlive the launcher; an idle one sees its socket's end of file anyway."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)


def _stop(pid: int, grace: float) -> int:
    """Wait `grace` seconds for a worker to end by itself, then kill it: its exit code, or minus a signal."""
    deadline = time.monotonic() + grace
    while time.monotonic() < deadline:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)  # ours and not yet waited for: the id cannot have been reused
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
