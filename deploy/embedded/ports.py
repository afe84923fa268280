"""Which ports to use: the wanted one when it is free, else another, which is then printed."""

import socket

from models.errors import StartFailed

NEAR = 20  # ports tried after the wanted one before the system chooses


def free(wanted: int, host: str = "127.0.0.1") -> int:
    """Return the wanted port, one of the next twenty, or any free one."""
    for port in (*range(wanted, min(wanted + NEAR, 65535)), 0):
        found = _bindable(host, port)
        if found:
            return found
    raise StartFailed(part="Heitu", why=f"no free port on {host}")


def exactly(wanted: int, host: str, setting: str) -> int:
    """Return the wanted port or fail: it was asked for by name.

    Raises
    ------
    StartFailed
        Another program listens there.
    """
    if not _bindable(host, wanted):
        why = f"port {wanted} on {host} is taken: free it or set {setting} to another one"
        raise StartFailed(part="Heitu", why=why)
    return wanted


def _bindable(host: str, port: int) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((host, port))
        except OSError:
            return 0
        return int(trial.getsockname()[1])
