"""The supervisor with real children: order, restart, and nothing left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from deploy.embedded import ports
from models.errors import StartFailed
from tests.deploy.processes import remaining
from tests.deploy.running import ROOT, Running


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    with socket.socket() as usual:  # whatever holds 1883 now, it is taken for the stack
        usual.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            usual.bind(("127.0.0.1", 1883))
            usual.listen()
        except OSError:
            pass
        running = Running(tmp_path_factory.mktemp("stack") / "data")
        try:
            running.said(r"page is at http://\S+")
            yield running
        finally:
            running.end()


def get(address):
    with urllib.request.urlopen(address, timeout=5) as answer:
        return answer.status, json.load(answer)


def test_it_is_ready_on_the_ports_it_prints(stack):
    address = stack.said(r"page is at (\S+)/ ")[1]
    status, health = get(f"{address}/health/ready")
    assert (status, health["ready"]) == (200, True)
    names = {part["name"] for part in health["parts"]}
    assert names >= {"database", "broker", "archive"}
    written = json.loads((stack.folder / "stack.json").read_text())
    assert written["api"] == address
    assert written["mqtt_port"] != 1883  # taken


def test_it_shows_no_demonstration_logins(stack):
    address = stack.said(r"page is at (\S+)/ ")[1]
    _, about = get(f"{address}/v1/about")
    assert about["demo"] is False
    assert about["demo_accounts"] == []


def test_a_second_one_on_the_same_folder_is_told_who_holds_it(stack):
    second = subprocess.run(
        [sys.executable, "-m", "deploy", "stack"],
        cwd=ROOT,
        env=stack.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert second.returncode == 1
    assert f"process {stack.process.pid} already runs" in second.stderr
    assert len(second.stderr.splitlines()) == 1


def test_reset_refuses_while_it_runs(stack):
    done = subprocess.run(
        [sys.executable, "-m", "deploy", "reset"],
        cwd=ROOT,
        env=stack.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 1
    assert (stack.folder / "postgres" / "PG_VERSION").exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [("broker", ["deploy.embedded.broker"]), ("database", ["postgres", "-D"])],
)
def test_a_killed_part_is_started_again_and_said(stack, name, words):
    killed = stack.child(*words)
    killed.kill()
    stack.said(f"{name} stopped; starting it again in 0.5 s")
    stack.said(f"{name} runs again")
    assert stack.child(*words).pid != killed.pid
    address = stack.said(r"page is at (\S+)/ ")[1]
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            if get(f"{address}/health/ready")[0] == 200:
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail("not ready again")


def test_sigterm_stops_everything_in_order(stack):
    pids = stack.children()
    assert len(pids) >= 8  # postmaster and its workers, broker, ingestor, API
    stack.process.send_signal(signal.SIGTERM)
    assert stack.process.wait(30) == 0
    assert remaining(pids, 2) == []
    assert not (stack.folder / "stack.json").exists()
    assert "shut down" in (stack.folder / "postgres" / "server.log").read_text()[-200:]


def test_a_supervisor_killed_with_9_leaves_no_process(tmp_path):
    running = Running(tmp_path / "data")
    try:
        running.said(r"page is at http://\S+")
        pids = running.children()
    finally:
        running.end()
    assert remaining(pids) == []


def test_a_supervisor_killed_while_it_starts_leaves_no_process(tmp_path):
    running = Running(tmp_path / "data")
    try:
        running.said("starting the database")
        time.sleep(1.0)
        pids = running.children()
    finally:
        running.end()
    assert pids
    assert remaining(pids) == []


def test_a_port_asked_for_by_name_is_not_swapped(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        running = Running(tmp_path / "data", HEITU_API_PORT=str(port))
        try:
            running.said(f"port {port} on 127.0.0.1 is taken.*HEITU_API_PORT", 20)
            assert running.process.wait(10) == 1
        finally:
            running.end()
        with pytest.raises(StartFailed, match="free it or set"):
            ports.exactly(port, "127.0.0.1", "HEITU_MQTT_PORT")
        assert ports.free(port) != port


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_folder_that_cannot_be_written(tmp_path):
    tmp_path.chmod(0o500)
    running = Running(tmp_path / "data")
    running.said("not writable")
    assert running.process.wait(10) == 1
