"""The embedded MQTT broker: iotcore (rumqttd) in a child process, on 127.0.0.1 only.

Run as ``python -m deploy.embedded.broker CONFIG`` by the supervisor. Sessions live in
memory and a restart forgets them: right for a demonstration; production takes Mosquitto.
"""

import importlib.util
import logging
import socket
import sys
from pathlib import Path

from models.errors import StartFailed

HOST = "127.0.0.1"
SEGMENT = 8 * 2**20  # bytes; the log of a subscription rolls over SILENTLY when all are full
SEGMENTS = 12  # 96 MB: 400,000 waiting messages of 200 bytes, and the bound of its memory
LARGEST = 2 * 2**20  # bytes of payload; the ingestor refuses beyond 1 MiB with a reason

_TOML = """\
id = 0
[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = {segment}
max_segment_count = {segments}
[v4.1]
name = "mqtt-3.1.1"
listen = "{host}:{port}"
next_connection_delay_ms = 1
[v4.1.connections]
connection_timeout_ms = 10000
max_payload_size = {largest}
max_inflight_count = 100
dynamic_filters = true
"""


def configure(path: Path, port: int) -> list[str]:
    """Write the broker's configuration and return the command that runs it.

    Raises
    ------
    StartFailed
        The wheel is not installed.
    """
    if importlib.util.find_spec("iotcore") is None:
        why = "pip install iotcore, or set HEITU_MQTT_HOST to a broker of your own"
        raise StartFailed(part="the embedded broker", why=why)
    path.write_text(
        _TOML.format(host=HOST, port=port, segment=SEGMENT, segments=SEGMENTS, largest=LARGEST)
    )
    return [sys.executable, "-m", "deploy.embedded.broker", str(path)]


def answers(host: str, port: int, patience: float = 0.5) -> bool:
    """Tell whether something accepts TCP connections there."""
    try:
        with socket.create_connection((host, port), timeout=patience):
            return True
    except OSError:
        return False


def serve(configuration: Path) -> None:
    """Run the broker in this process until it is killed."""
    from iotcore.iotcore import IotCoreBroker

    # rumqttd reports every packet as an error record; keep real failures only
    logging.basicConfig(level=logging.WARNING)
    logging.getLogger("rumqttd").setLevel(logging.CRITICAL)
    IotCoreBroker(config_path=str(configuration)).run_forever()


if __name__ == "__main__":
    from deploy.embedded import parent

    parent.die_with_it()
    serve(Path(sys.argv[1]))
