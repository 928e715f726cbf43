"""The service's side of its processes: the one launcher, and a handle on each worker.

Who may call a worker, and when it has to end, is the pool's to say (`pool.py`).
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sandbox
from sandbox.engines.embedded import wire
from sandbox.errors import EngineUnavailable

#: Seconds: for the launcher to load py-evm, for a worker to be forked, for a process to end when asked.
LAUNCH_LIMIT, START_LIMIT, STOP_GRACE = 60.0, 30.0, 1.0
#: Bytes of a worker's last messages that an error carries.
LAST_MESSAGES = 4_096


class Launcher:
    """The launcher process of this service process. Thread-safe."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._lock = threading.Lock()
        self._control = ours
        root = str(Path(sandbox.__file__).parents[1])
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        with theirs, tempfile.TemporaryFile() as messages:
            self._process = subprocess.Popen(  # noqa: S603  # our own module in our own interpreter
                [sys.executable, "-P", "-m", "sandbox.engines.embedded.launcher", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=messages,
                start_new_session=True,  # Ctrl-C is for the service, which then stops us in order
                env=os.environ | {"PYTHONPATH": path},
            )
            theirs.close()
            try:
                hello = wire.receive(ours, LAUNCH_LIMIT)
            except (wire.Closed, TimeoutError) as error:
                self.close()
                messages.seek(0)
                last = messages.read()[-LAST_MESSAGES:].decode(errors="replace")
                raise EngineUnavailable("the embedded engine's launcher did not start", last) from error
        if "failed" in hello:
            self.close()
            raise EngineUnavailable(hello["failed"])
        self.pid = self._process.pid
        self.service = os.getpid()

    @property
    def alive(self) -> bool:
        return self.service == os.getpid() and self._process.poll() is None

    def start(self, role: str, connection: socket.socket, messages: int) -> int:
        """Fork a worker that serves `connection` and has that descriptor as standard error; its process id."""
        return int(self._ask({"do": "start", "role": role}, (connection.fileno(), messages))["pid"])

    def stop(self, pid: int, grace: float) -> int | None:
        """End a worker and reap it: its exit code, or minus the signal that ended it."""
        status = self._ask({"do": "stop", "pid": pid, "grace": grace})["status"]
        return None if status is None else int(status)

    def _ask(self, request: dict[str, Any], descriptors: Sequence[int] = ()) -> dict[str, Any]:
        with self._lock:
            try:
                wire.send(self._control, request, descriptors)
                answer: dict[str, Any] = wire.receive(self._control, START_LIMIT)
            except (wire.Closed, TimeoutError) as error:
                self.close()
                raise EngineUnavailable(
                    "the embedded engine's launcher is gone; the next call starts it"
                ) from error
        return answer

    def close(self) -> None:
        """End the launcher, and with it every worker. Idempotent."""
        self._control.close()
        try:
            self._process.wait(STOP_GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


_launcher: Launcher | None = None
_launcher_lock = threading.Lock()


def launcher() -> Launcher:
    """The running launcher, started when there is none."""
    global _launcher  # noqa: PLW0603  # one per service process, by design
    with _launcher_lock:
        if _launcher is None or not _launcher.alive:
            _close_launcher()
            _launcher = Launcher()
        return _launcher


@atexit.register
def _close_launcher() -> None:
    """End the launcher that this process started; a fork of the service leaves it to the service."""
    if _launcher is not None and _launcher.service == os.getpid():
        _launcher.close()


class Worker:
    """A handle on one worker process, started with it. Whoever took it from the pool makes its calls."""

    def __init__(self, role: str) -> None:
        self.role = role
        #: Chains that it has open, and those of them that it must close before it is used again.
        self.open: set[int] = set()
        self.to_drop: set[int] = set()
        #: Bytes that it held after its last call.
        self.memory = 0
        self._messages = tempfile.TemporaryFile()  # noqa: SIM115  # closed when the process is ended
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        self._connection = ours
        with theirs:
            try:
                flags = fcntl.fcntl(self._messages, fcntl.F_GETFL)
                fcntl.fcntl(self._messages, fcntl.F_SETFL, flags | os.O_APPEND)
                self._launcher = launcher()
                self.pid = self._launcher.start(role, theirs, self._messages.fileno())
            except BaseException:
                ours.close()
                self._messages.close()
                raise

    @property
    def alive(self) -> bool:
        """Whether it can be called. One that died idle is found here, by its end of file."""
        return self._launcher.alive and not select.select([self._connection], [], [], 0)[0]

    def call(self, request: dict[str, Any], time_limit: float) -> dict[str, Any]:
        """Its answer. Raises TimeoutError, wire.Closed: then the only thing left to do is `end`."""
        wire.send(self._connection, request)
        answer: dict[str, Any] = wire.receive(self._connection, time_limit)
        self.memory = answer["memory"]
        self.open.difference_update(answer["closed"])
        return answer

    def interrupt(self) -> None:
        """Make the call in progress, in another thread, end with wire.Closed."""
        with contextlib.suppress(OSError):  # ended meanwhile
            self._connection.shutdown(socket.SHUT_RDWR)

    def let_go(self) -> None:
        """Close our ends when the service exits: the launcher ends the process."""
        self._connection.close()
        self._messages.close()

    def end(self, grace: float = 0.0) -> tuple[int | None, str]:
        """End and reap the process: its exit status where it is known, and what it wrote last. Idempotent."""
        if self._messages.closed:
            return None, ""
        self._connection.close()
        status = None
        if self._launcher.alive:  # else it is gone with its launcher
            with contextlib.suppress(EngineUnavailable):
                status = self._launcher.stop(self.pid, grace)
        size = os.fstat(self._messages.fileno()).st_size
        last = os.pread(self._messages.fileno(), LAST_MESSAGES, max(0, size - LAST_MESSAGES))
        self._messages.close()
        return status, last.decode(errors="replace")
