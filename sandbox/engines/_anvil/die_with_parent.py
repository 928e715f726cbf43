"""Becomes another program that dies with the process which started it: `python -ISs FILE PARENT PROGRAM ARGUMENT…`.

PR_SET_PDEATHSIG survives exec, and fires when the *thread* that forked ends: `process.py` starts every program from
one thread that lives as long as the service. Where there is no prctl (not Linux), the program just runs.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1

parent, program = int(sys.argv[1]), sys.argv[2:]
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
if os.getppid() != parent:  # it died before the line above
    sys.exit(1)
os.execv(program[0], program)  # noqa: S606  # no shell, and the path is the engine's own
