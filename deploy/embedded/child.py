"""Child processes that cannot outlive us, whoever we run as.

The kernel sends a child its death signal when the THREAD that started it ends, so children
are started from the main thread.
"""

import functools
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import IO

_LAUNCH = Path(__file__).with_name("launch.py")


class Identity(StrEnum):
    """Who a child runs as."""

    SAME = "same"
    NAMESPACE = "namespace"  # root here, uid 1000 in its own user namespace
    NOBODY = "nobody"  # uid 65534, where the kernel forbids user namespaces (containers)


def wrapped(
    command: Sequence[str],
    identity: Identity = Identity.SAME,
    death_signal: signal.Signals = signal.SIGTERM,
) -> list[str]:
    """Return the command line that runs ``command`` as a child bound to this process."""
    launcher = [sys.executable, "-I", "-S", str(_LAUNCH)]
    return [*launcher, str(os.getpid()), str(int(death_signal)), identity.value, *command]


def spawn(
    command: Sequence[str],
    log: IO[bytes] | int,
    *,
    identity: Identity = Identity.SAME,
    death_signal: signal.Signals = signal.SIGTERM,
    environment: Mapping[str, str] | None = None,
    cwd: Path | str | None = None,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own: Ctrl-C reaches us, and we stop it in order."""
    return subprocess.Popen(
        wrapped(command, identity, death_signal),
        stdin=stdin,
        stdout=log,
        stderr=log,
        start_new_session=True,
        env=None if environment is None else dict(environment),
        cwd=cwd,
    )


def end(process: subprocess.Popen[bytes], *steps: tuple[signal.Signals, float]) -> None:
    """Stop a child: each signal with the seconds it gets, then SIGKILL."""
    for number, patience in steps:
        if process.poll() is not None:
            return
        process.send_signal(number)
        try:
            process.wait(patience)
        except subprocess.TimeoutExpired:
            continue
    if process.poll() is None:
        process.kill()
        process.wait()


@functools.cache
def unprivileged() -> Identity:
    """Return the identity under which a program that refuses root can run."""
    if os.geteuid() != 0:
        return Identity.SAME
    trial = wrapped([sys.executable, "-I", "-S", "-c", ""], Identity.NAMESPACE)
    entered = subprocess.run(trial, check=False, capture_output=True).returncode == 0
    return Identity.NAMESPACE if entered else Identity.NOBODY
