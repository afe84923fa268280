"""The ingestor as a process of its own.

``python -m tests.faults.ingestor URL PORT METRICS [OPTIONS]``, the options as JSON: partitions,
name, flood_rate, flood_burst, reserved.
"""

import json
import logging
import signal
import sys
import threading

from ingest import service
from ingest.flood import Allowance
from models.store.database import Database
from tests.brokers import link


def main(url, port, metrics, asked="{}"):
    logging.basicConfig(level=logging.WARNING)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    database, asked = Database(url, pool_size=4), json.loads(asked)
    usual = Allowance()
    options = service.Options(
        metrics_port=int(metrics),
        allowance=Allowance(
            asked.get("flood_rate", usual.rate), asked.get("flood_burst", usual.burst)
        ),
        share=service.share_of(database, asked.get("partitions", 1), asked.get("name", "")),
    )
    reserved = asked.get("reserved", False)
    broker = link(int(port), client_id="heitu-ingestor", reserved=reserved)
    service.run(database, broker, stopping, options)


if __name__ == "__main__":
    main(*sys.argv[1:])
