"""One anvil process: started, ready, stopped; what it printed, bounded; and never older than the service.

The driver says only which arguments; this shell owns the process, its time limits and its last messages.
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

from sandbox.engines._anvil.client import Client, Lost
from sandbox.errors import EngineError, EngineUnavailable

#: Seconds: to listen, and to end when asked before it is killed.
START_LIMIT, STOP_GRACE = 60.0, 2.0
#: Bytes of its output that the file keeps, and that an error carries.
MAX_OUTPUT, LAST_MESSAGES = 64 * 1024, 4_096

_LISTENING = re.compile(rb"^Listening on 127\.0\.0\.1:(\d+)\s*$")
_WRAPPER = Path(__file__).with_name("die_with_parent.py")


class _Spawner:
    """The one thread of this process that starts others: who dies with it, dies with the service."""

    def __init__(self) -> None:
        self.service = os.getpid()
        self._asked: queue.SimpleQueue[tuple[Sequence[str], Path, Future[subprocess.Popen[bytes]]]]
        self._asked = queue.SimpleQueue()
        threading.Thread(target=self._run, name="anvil-spawner", daemon=True).start()

    def spawn(self, command: Sequence[str], directory: Path) -> subprocess.Popen[bytes]:
        future: Future[subprocess.Popen[bytes]] = Future()
        self._asked.put((command, directory, future))
        return future.result()

    def _run(self) -> None:
        while True:
            command, directory, future = self._asked.get()
            try:
                future.set_result(self._start(command, directory))
            except BaseException as error:
                future.set_exception(error)

    def _start(self, command: Sequence[str], directory: Path) -> subprocess.Popen[bytes]:
        wrapper = [sys.executable, "-I", "-S", str(_WRAPPER), str(self.service), *command]
        return subprocess.Popen(  # noqa: S603  # the pinned program, no shell
            wrapper,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the service, which then stops it in order
            env={"HOME": str(directory), "PATH": os.defpath, "NO_COLOR": "1"},
        )


_spawner: _Spawner | None = None
_spawner_lock = threading.Lock()


def _spawn(command: Sequence[str], directory: Path) -> subprocess.Popen[bytes]:
    global _spawner  # noqa: PLW0603  # one per service process, by design
    with _spawner_lock:
        if _spawner is None or _spawner.service != os.getpid():  # a fork has no threads
            _spawner = _Spawner()
    return _spawner.spawn(command, directory)


class Process:
    """A running anvil and its client. Raises EngineUnavailable when it does not come up; then nothing is left."""

    def __init__(self, command: Sequence[str], directory: Path, output: Path) -> None:
        self._output, self._kept, self._lock = output, deque[bytes](), threading.Lock()
        self._size = 0
        self._port: Future[int] = Future()
        self._process = _spawn(command, directory)
        self.pid = self._process.pid
        self._drain = threading.Thread(target=self._read_output, name=f"anvil-{self.pid}", daemon=True)
        self._drain.start()
        self._client: Client | None = None
        try:
            self._client = Client(self._port.result(START_LIMIT))
            self._client.call("anvil_setLoggingEnabled", [False], START_LIMIT)
        except (TimeoutError, EngineError, Lost) as error:
            status = self.stop(grace=0.0)
            raise EngineUnavailable(
                f"anvil could not be started (exit status {status})", self.last_messages()
            ) from error

    @property
    def client(self) -> Client:
        assert self._client is not None  # what __init__ made, or raised
        return self._client

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def stop(self, grace: float = STOP_GRACE) -> int:
        """Terminate, wait `grace` seconds, kill, wait: its exit code, or minus a signal. Idempotent."""
        if grace and self.alive:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(grace)
        self._process.kill()  # does nothing to one that was waited for
        status = self._process.wait()
        self._drain.join()
        if self._client is not None:
            self._client.close()
        return status

    def last_messages(self) -> str:
        with self._lock:
            return b"".join(self._kept)[-LAST_MESSAGES:].decode(errors="replace")

    def _read_output(self) -> None:
        """Drain to the end, to memory and to the file, which begins again when it is full."""
        pipe = self._process.stdout
        assert pipe is not None  # Popen made it
        descriptor = os.open(self._output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with pipe, os.fdopen(descriptor, "wb", buffering=0) as file:
            for line in iter(lambda: pipe.readline(8_192), b""):
                with self._lock:
                    self._kept.append(line)
                    self._size += len(line)
                    while self._size > MAX_OUTPUT:
                        self._size -= len(self._kept.popleft())
                if file.tell() + len(line) > MAX_OUTPUT:
                    file.seek(0)
                    file.truncate()
                with contextlib.suppress(OSError):  # a full disk must not stop the draining
                    file.write(line)
                if not self._port.done() and (found := _LISTENING.match(line)):
                    with self._lock:  # its banner says nothing that an error should carry
                        self._kept.clear()
                        self._size = 0
                    self._port.set_result(int(found[1]))
        if not self._port.done():
            self._port.set_exception(EngineUnavailable("it ended before it listened"))
