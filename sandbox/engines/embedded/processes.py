"""The service's side of its processes: the one launcher, and a handle on each worker.

A handle starts its worker when it is first called, lets one call through at a time, kills it when a call
passes its time limit, and starts a new one at the next call.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import sandbox
from sandbox.engines.embedded import wire
from sandbox.errors import EngineError, EngineTimeout, EngineUnavailable, RpcError, SpecError
from sandbox.spec import ChainSpec

#: Seconds: for the launcher to load py-evm, for a worker to open its file, for a worker to end when asked.
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

    def start(self, connection: socket.socket, **request: Any) -> int:
        """Fork a worker that serves `connection`; its process id."""
        return int(self._ask({"do": "start", **request}, connection.fileno())["pid"])

    def stop(self, pid: int, grace: float) -> int | None:
        """End a worker and reap it: its exit code, or minus the signal that ended it."""
        status = self._ask({"do": "stop", "pid": pid, "grace": grace})["status"]
        return None if status is None else int(status)

    def _ask(self, request: dict[str, Any], descriptor: int | None = None) -> dict[str, Any]:
        with self._lock:
            try:
                wire.send(self._control, request, descriptor)
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
    """A handle on one worker process of one chain. Thread-safe: one call at a time."""

    def __init__(self, role: str, directory: Path, spec: ChainSpec) -> None:
        self._role, self._directory, self._spec = role, directory, spec
        self._messages = directory / f"{role}.log"
        self._lock = threading.Lock()
        self._launcher: Launcher | None = None
        self._connection: socket.socket | None = None
        self._closed = False
        self.pid: int | None = None

    def start(self) -> Any:
        """Make sure that it runs: the result of its opening, or None when it ran already."""
        with self._lock:
            return self._ensure()

    def call(self, request: dict[str, Any], time_limit: float) -> Any:
        """The worker's answer. `time_limit` is seconds for the call, and as much again for its turn.

        Raises RpcError; EngineTimeout (its process was killed, or other calls kept it busy);
        EngineUnavailable (its process died); EngineError (it could not do it).
        """
        if not self._lock.acquire(timeout=time_limit):
            raise EngineTimeout(
                f"the chain's {self._role} was busy with other calls for {time_limit:g} s: try again later"
            )
        try:
            self._ensure()
            assert self._connection is not None  # what _ensure does
            try:
                wire.send(self._connection, request)
                answer = wire.receive(self._connection, time_limit)
            except TimeoutError as error:
                self._end(grace=0.0)
                raise EngineTimeout(
                    f"the chain's {self._role} did not answer within {time_limit:g} s and was killed",
                    self._last(),
                ) from error
            except wire.Closed as error:
                status = self._end(grace=STOP_GRACE)
                raise EngineUnavailable(
                    f"the chain's {self._role} died during a call (exit status {status}); call again",
                    self._last(),
                ) from error
            return self._result(answer)
        finally:
            self._lock.release()

    def close(self) -> None:
        """End the process for good; a call in progress gets EngineUnavailable. Idempotent."""
        self._closed = True
        connection = self._connection
        if connection is not None:
            with contextlib.suppress(OSError):  # ended meanwhile
                connection.shutdown(socket.SHUT_RDWR)
        with self._lock:
            self._end(grace=STOP_GRACE)

    def _ensure(self) -> Any:
        """Under the lock: a live process. An idle one that died is found here, by its end of file."""
        if self._closed:
            raise EngineUnavailable(f"the chain's {self._role} is closed: open the chain again")
        if self._connection is not None:
            if not select.select([self._connection], [], [], 0)[0]:
                return None
            self._end(grace=STOP_GRACE)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            try:
                self._launcher = launcher()
                self.pid = self._launcher.start(
                    theirs,
                    role=self._role,
                    directory=str(self._directory.absolute()),
                    messages=str(self._messages.absolute()),
                    spec=self._spec.to_json(),
                )
            except BaseException:
                ours.close()
                raise
        self._connection = ours
        try:
            return self._result(wire.receive(ours, START_LIMIT))
        except (wire.Closed, TimeoutError) as error:
            status = self._end(grace=0.0)
            raise EngineUnavailable(
                f"the chain's {self._role} could not be started (exit status {status})", self._last()
            ) from error
        except (EngineError, SpecError):
            self._end(grace=STOP_GRACE)
            raise

    def _end(self, grace: float) -> int | None:
        """Under the lock: close the connection, end and reap the process."""
        connection, pid, owner = self._connection, self.pid, self._launcher
        self._connection = self.pid = self._launcher = None
        if connection is not None:
            connection.close()
        if pid is None or owner is None or not owner.alive:
            return None  # its launcher is gone, and it with its launcher
        try:
            return owner.stop(pid, grace)
        except EngineUnavailable:
            return None

    def _result(self, answer: dict[str, Any]) -> Any:
        if "result" in answer:
            return answer["result"]
        if "rpc_error" in answer:
            raise RpcError(**answer["rpc_error"])
        if answer["failed"] == "SpecError":
            raise SpecError(answer["message"])
        raise EngineError(
            f"the chain's {self._role} failed: {answer['failed']}: {answer['message']}", self._last()
        )

    def _last(self) -> str:
        """The end of what the process wrote to its standard error."""
        try:
            return self._messages.read_bytes()[-LAST_MESSAGES:].decode(errors="replace")
        except FileNotFoundError:
            return ""
