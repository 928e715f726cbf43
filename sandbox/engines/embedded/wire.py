"""Messages between the service, the launcher and the workers: a 4-byte length, then one JSON value.

JSON and not pickles: what comes back from a process that ran somebody's contract must not be able to run code
here. File descriptors may ride on a message's first byte (SCM_RIGHTS).
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Sequence
from typing import Any

#: Bytes of one message: a block of 100 transactions of the gateway's largest size fits many times over.
MAX_MESSAGE = 256 * 1024 * 1024


class Closed(Exception):  # a state of the connection, told to the two callers in this package
    """The other process has gone: end of file, or a reset connection."""


def send(connection: socket.socket, message: Any, descriptors: Sequence[int] = ()) -> None:
    body = json.dumps(message, separators=(",", ":")).encode()
    frame = len(body).to_bytes(4, "big") + body
    try:
        if descriptors:
            sent = socket.send_fds(connection, [frame], list(descriptors))
            frame = frame[sent:]
        connection.sendall(frame)
    except (BrokenPipeError, ConnectionResetError, OSError) as error:
        if isinstance(error, TimeoutError):
            raise
        raise Closed(str(error)) from error


def receive(connection: socket.socket, time_limit: float | None = None) -> Any:
    """The next message. Raises Closed, or TimeoutError when it is not whole after `time_limit` seconds."""
    deadline = None if time_limit is None else time.monotonic() + time_limit
    length = int.from_bytes(_exactly(connection, 4, deadline), "big")
    return _decoded(connection, length, deadline)


def receive_with_descriptors(connection: socket.socket) -> tuple[Any, list[int]]:
    """The next message and the descriptors that came with it, two at most."""
    try:
        first, descriptors, _, _ = socket.recv_fds(connection, 4, 2)
    except ConnectionResetError as error:
        raise Closed(str(error)) from error
    if not first:
        raise Closed("end of file")
    length = int.from_bytes(first + _exactly(connection, 4 - len(first), None), "big")
    return _decoded(connection, length, None), list(descriptors)


def _decoded(connection: socket.socket, length: int, deadline: float | None) -> Any:
    if length > MAX_MESSAGE:
        raise Closed(f"a message may have {MAX_MESSAGE} bytes, got {length}")
    return json.loads(_exactly(connection, length, deadline))


def _exactly(connection: socket.socket, count: int, deadline: float | None) -> bytes:
    buffer = bytearray(count)
    view, filled = memoryview(buffer), 0
    while filled < count:
        if deadline is not None:
            connection.settimeout(max(deadline - time.monotonic(), 1e-6))
        try:
            got = connection.recv_into(view[filled:])
        except TimeoutError:
            raise
        except OSError as error:
            raise Closed(str(error)) from error
        finally:
            if deadline is not None:
                connection.settimeout(None)
        if got == 0:
            raise Closed("end of file")
        filled += got
    return bytes(buffer)
