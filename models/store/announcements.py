"""What messages say once for the later ones (Sparkplug birth certificates)."""

import json
from collections.abc import Mapping
from typing import Any

from models.store.database import ReadTx, WriteTx


def everything(tx: ReadTx) -> dict[str, dict[str, Any]]:
    """Return every announcement by its key."""
    return {r.key: r.document for r in tx.rows("companions", "announcements")}


def keep(tx: WriteTx, changed: Mapping[str, dict[str, Any]]) -> None:
    """Keep announcements; a newer one of a key replaces the older."""
    if changed:
        documents = [json.dumps(document) for document in changed.values()]
        tx.run("companions", "announce", keys=list(changed), documents=documents)
