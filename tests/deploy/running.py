"""A stack started as people start it, and what it says."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import psutil

from tests.deploy.processes import tree

ROOT = Path(__file__).parents[2]
PATIENCE = 90


class Running:
    """`python -m deploy VERB` on a folder of its own."""

    def __init__(self, folder, verb="stack", **environment):
        self.folder = folder
        self.output = folder.with_name(folder.name + ".out")
        clean = {k: v for k, v in os.environ.items() if not k.startswith("HEITU_")}
        self.environment = clean | {"HEITU_DATA": str(folder)} | environment
        with self.output.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "deploy", verb],
                cwd=ROOT,
                env=self.environment,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
            )

    def said(self, pattern, patience=PATIENCE):
        until = time.monotonic() + patience
        while time.monotonic() < until:
            found = re.search(pattern, self.output.read_text())
            if found:
                return found
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError(f"{pattern!r} is not in: {self.output.read_text()}")

    def children(self):
        return tree(self.process.pid)

    def child(self, *words):
        for process in psutil.Process(self.process.pid).children(recursive=True):
            if all(word in " ".join(process.cmdline()) for word in words):
                return process
        raise AssertionError(f"no child with {words}")

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
