"""What is left of a process tree; a zombie counts as gone (its parent has yet to reap it)."""

import time

import psutil


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() not in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
    except psutil.NoSuchProcess:
        return False


def tree(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def remaining(pids: list[int], patience: float = 10) -> list[int]:
    until = time.monotonic() + patience
    left = [pid for pid in pids if lives(pid)]
    while left and time.monotonic() < until:
        time.sleep(0.05)
        left = [pid for pid in left if lives(pid)]
    return left
