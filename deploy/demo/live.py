"""The demonstration's devices, publishing now."""

import itertools
import time
from datetime import UTC, datetime

from deploy import wiring
from deploy.demo import history
from deploy.settings import Settings
from ingest.mqtt.publisher import Publisher

EVERY = 3.0  # seconds between two devices: 16 of them make each publish about once a minute


def publish(settings: Settings) -> None:
    """Let one device after the other publish its present value, for ever."""
    with Publisher(wiring.link(settings, "heitu-demo-devices")) as publisher:
        for device in itertools.cycle(history.players()):
            assert device.log is not None
            now = datetime.now(UTC)
            values = device.log.at(now)
            if values:
                publisher.send(device.key, {"time": now.isoformat(), "values": values})
            time.sleep(EVERY)
