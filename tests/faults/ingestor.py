"""The ingestor as a process of its own: ``python -m tests.faults.ingestor URL PORT METRICS``."""

import logging
import signal
import sys
import threading

from ingest import service
from models.store.database import Database
from tests.brokers import link


def main(url, port, metrics):
    logging.basicConfig(level=logging.WARNING)
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    database = Database(url, pool_size=4)
    options = service.Options(metrics_port=int(metrics))
    service.run(database, link(int(port), client_id="heitu-ingestor"), stopping, options)


if __name__ == "__main__":
    main(*sys.argv[1:])
