"""A process that ends by `kill -9` before the nth thing that it does to its files, for each n.

Something that is made once and for ever is killed so in its making: at moments that are drawn by time, a quick machine
has made it before the first kill, a slow one never gets to its end, and both say that all is well.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

#: `%s` is the making, with `directory`. All code is loaded before the fork, so that each round begins at once.
_PROGRAM = """
import os, signal, sys, threading
from pathlib import Path
%s

#: The calls into C that change a file or make one last, and those that open one.
FILES = {
    "connect", "Connection.execute", "Connection.executemany", "Connection.executescript", "Connection.commit",
    "open", "BufferedWriter.write", "FileIO.write", "write", "fsync", "mkdir", "rename", "replace", "link", "unlink",
    "chmod", "close", "Connection.close",
}


def kill_before(step):
    left = [step]

    def before(frame, event, called):
        if event == "c_call" and called.__qualname__ in FILES:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    threading.setprofile(before)
    sys.setprofile(before)


for line in sys.stdin:
    step, directory = line.split(maxsplit=1)
    child = os.fork()
    if not child:
        kill_before(int(step))
        make(Path(directory.strip()))
        sys.setprofile(None)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def killed_at_each_step(make: str, within: Path) -> Iterator[Path]:
    """The directories that `make` left when it was killed before its first step, its second, and so on; the last is whole.

    `make` is the source of a function `make(directory)`; `directory` does not exist when it begins.
    """
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM % make], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as maker:
        assert maker.stdin is not None
        assert maker.stdout is not None
        step, ended = 0, -9
        while ended == -9:
            step += 1
            directory = within / str(step)
            maker.stdin.write(f"{step} {directory}\n")
            maker.stdin.flush()
            ended = int(maker.stdout.readline())
            yield directory
        assert ended == 0, "it was made when nothing killed it"
        maker.stdin.close()
