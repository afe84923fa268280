"""Prepare this process as a child of Heitu, then turn into the wanted program.

Run as a script (``python -I -S launch.py PARENT SIGNAL IDENTITY PROGRAM ARGUMENT...``) so
that nothing happens between fork and exec of a threaded parent; standard library only.
Python starts in 15 ms, against deadlocks that a ``preexec_fn`` can cause.
"""

import ctypes
import os
import struct
import sys
from pathlib import Path

PR_SET_PDEATHSIG = 1  # linux/prctl.h
PR_SET_KEEPCAPS = 8
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1  # linux/capability.h
CAPABILITY_VERSION_3 = 0x20080522
CLONE_NEWUSER = 0x10000000  # linux/sched.h
NAMESPACE_UID = 1000  # any number but 0: PostgreSQL refuses root
NOBODY = 65534
REFUSED = 97  # exit code: the kernel did not let us change identity


def enter_namespace(libc: ctypes.CDLL) -> None:
    """Become uid 1000 in a private user namespace; files stay root's as seen from outside."""
    if libc.unshare(CLONE_NEWUSER) != 0:
        sys.exit(REFUSED)
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{NAMESPACE_UID} 0 1")
        Path("/proc/self/gid_map").write_text(f"{NAMESPACE_UID} 0 1")
    except OSError:
        sys.exit(REFUSED)


def become_nobody(libc: ctypes.CDLL) -> None:
    """Drop root for uid 65534, keeping only the capability to pass closed parent folders.

    A virtual environment or data folder under /root is not reachable for uid 65534; keeping
    CAP_DAC_OVERRIDE is less than the root we were, and spares a chmod of folders that are
    not ours.
    """
    libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0)
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    bit = 1 << CAP_DAC_OVERRIDE
    header = struct.pack("=Ii", CAPABILITY_VERSION_3, 0)
    libc.capset(header, struct.pack("=6I", bit, bit, bit, 0, 0, 0))
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0)


def main(arguments: list[str]) -> None:
    """Change identity, ask to be told when the parent dies, and run the program."""
    parent, death_signal, identity, *command = arguments
    libc = ctypes.CDLL(None, use_errno=True)
    if identity == "namespace":
        enter_namespace(libc)
    if identity == "nobody":
        become_nobody(libc)
    if sys.platform == "linux":
        # after the change of identity: a change of uid clears the death signal
        libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
    if os.getppid() != int(parent):  # it died before the line above
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606  # no shell: the argument list is ours


if __name__ == "__main__":
    main(sys.argv[1:])
