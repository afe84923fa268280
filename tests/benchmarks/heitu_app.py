"""Heitu's own application over a store and an archive; run by test_tiles."""

import sys
from pathlib import Path

import uvicorn

from api.app import create_app
from models.platform import Platform
from models.store.database import Database

if __name__ == "__main__":
    port, url, archive = sys.argv[1:]
    uvicorn.run(
        create_app(Platform(database=Database(url), archive=Path(archive))),
        host="127.0.0.1",
        port=int(port),
        log_level="error",
        access_log=False,
    )
