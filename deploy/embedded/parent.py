"""The child's side of the bond: end when the supervisor's end of the pipe closes."""

import os
import sys
import threading


def die_with_it() -> None:
    """Watch standard input in a thread; when it ends, so do we.

    A second bond beside the kernel's death signal, which only Linux knows.
    """
    threading.Thread(target=_watch, name="parent", daemon=True).start()


def _watch() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os._exit(0)
