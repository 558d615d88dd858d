"""Runs a command and writes into a file what it cost: `python launch.py FILE COMMAND [ARGUMENT …]`.

Small, so that a process that it makes is not told to have had the memory of a large parent.
"""

import json
import os
import sys
import time
from pathlib import Path

file, *command = sys.argv[1:]
began = time.perf_counter()
process = os.posix_spawn(command[0], command, os.environ)
_, status, usage = os.wait4(process, 0)  # the only wait that tells what this one process cost
cost = {
    "wall_seconds": time.perf_counter() - began,
    "cpu_seconds": usage.ru_utime + usage.ru_stime,
    "peak_mib": usage.ru_maxrss / 1024,
}
Path(file).write_text(json.dumps(cost), encoding="utf-8")
sys.exit(os.waitstatus_to_exitcode(status))
