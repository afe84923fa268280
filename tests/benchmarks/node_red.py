"""Node-RED as a peer: its own MQTT node, and PostgreSQL by the driver its nodes use."""

import contextlib
import json
import subprocess
import time
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from tests import brokers
from tests.timescale.launch import node

HERE = Path(__file__).parent / "node"

# one INSERT a message, from a pool of ten connections, as the PostgreSQL nodes do
_SINGLE = """\
const rows = Array.isArray(msg.payload) ? msg.payload : [msg.payload];
const device = msg.topic.split('/')[2];
const holes = rows.map((_, i) => `($${4*i+1}, $${4*i+2}, $${4*i+3}, $${4*i+4})`).join(', ');
const values = rows.flatMap(r => [device, r.channel, r.time, r.value]);
context.get('pool').query(`INSERT INTO plain VALUES ${holes}`, values).catch(e => node.error(e));
return null;
"""
# what a careful user writes by hand: a thousand rows a statement, or what 200 ms brought
_BATCHED = """\
const device = msg.topic.split('/')[2];
const waiting = context.get('waiting');
for (const r of Array.isArray(msg.payload) ? msg.payload : [msg.payload])
    waiting.push([device, r.channel, r.time, r.value]);
if (waiting.length >= 1000) context.get('flush')();
return null;
"""
_START = """\
context.set('pool', new (global.get('pg').Pool)({ ...global.get('where'), max: 10 }));
context.set('waiting', []);
context.set('flush', () => {
    const rows = context.get('waiting').splice(0);
    if (rows.length === 0) return;
    const columns = [0, 1, 2, 3].map(k => rows.map(r => r[k]));
    context.get('pool').query(
        `INSERT INTO plain SELECT * FROM
         unnest($1::text[], $2::text[], $3::timestamptz[], $4::float8[])`, columns
    ).catch(e => node.error(e));
});
setInterval(context.get('flush'), 200);
"""


def missing():
    """Say what is missing to run it; empty when nothing is."""
    if node() is None:
        return "no Node-RED here: no Node.js"
    if not (HERE / "node_modules" / "node-red").exists():
        return "no Node-RED here: python -m deploy.node tests/benchmarks/node installs it"
    return ""


def _flow(port, *, batched):
    return [
        {"id": "tab", "type": "tab", "label": "ingest"},
        {
            "id": "broker",
            "type": "mqtt-broker",
            "broker": "127.0.0.1",
            "port": str(port),
            "clientid": "node-red",
            "cleansession": True,
            "protocolVersion": "4",
            "keepalive": "60",
            "autoConnect": True,
        },
        {
            "id": "in",
            "type": "mqtt in",
            "z": "tab",
            "topic": "heitu/v1/+/readings",
            "qos": "1",
            "datatype": "json",
            "broker": "broker",
            "inputs": 0,
            "wires": [["insert"]],
        },
        {
            "id": "insert",
            "type": "function",
            "z": "tab",
            "func": _BATCHED if batched else _SINGLE,
            "outputs": 0,
            "initialize": _START,
            "libs": [],
            "wires": [],
        },
    ]


def _where(url):
    parts = urlsplit(url)
    asked = {key: unquote(value[0]) for key, value in parse_qs(parts.query).items()}
    return {
        "host": asked.get("host", parts.hostname),
        "port": int(asked.get("port", parts.port or 5432)),
        "user": parts.username or "postgres",
        "password": parts.password or "",
        "database": parts.path.lstrip("/"),
    }


@contextlib.contextmanager
def running(folder, url, port, *, batched):
    """Node-RED with one flow, subscribed."""
    folder.mkdir()
    settings = folder / "settings.js"
    settings.write_text(
        f"""module.exports = {{
    flowFile: 'flow.json', uiPort: {brokers.free_port()}, uiHost: '127.0.0.1',
    httpAdminRoot: false, httpNodeRoot: false, credentialSecret: false,
    logging: {{ console: {{ level: 'info', metrics: false, audit: false }} }},
    functionGlobalContext: {{ pg: require({json.dumps(str(HERE / "node_modules" / "pg"))}),
                             where: {json.dumps(_where(url))} }},
}};
"""
    )
    (folder / "flow.json").write_text(json.dumps(_flow(port, batched=batched)))
    red = HERE / "node_modules" / "node-red" / "red.js"
    log = folder / "log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [node(), str(red), "--settings", str(settings), "--userDir", str(folder)],
            stdout=out,
            stderr=out,
        )
    try:
        deadline = time.monotonic() + 60
        while "Connected to broker" not in log.read_text():
            assert process.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < deadline, log.read_text()[-2000:]
            time.sleep(0.1)
        time.sleep(1)  # it subscribes after it has said so
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
