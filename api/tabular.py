"""Observations as CSV: UTC and local time with its zone, so that no reader has to guess."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from models.calendar import SHANGHAI
from models.device import Datastream
from models.quantity import QUANTITIES

_BOM = "\ufeff"
_ZONE = "Asia/Shanghai"
_MEASURES = ("n", "n_good", "mean", "min", "max")


def csv_of(
    items: Sequence[dict[str, Any]],
    streams: Iterable[Datastream],
    *,
    bucketed: bool,
    bom: bool = False,
) -> str:
    """Write readings or aggregates as CSV (RFC 4180), with a byte order mark for Excel.

    Parameters
    ----------
    items : sequence of dict
        Rows of ``/v1/observations``: readings (``time``), or aggregates (``start``) when
        `bucketed`.
    streams : iterable of Datastream
        Every datastream named in the rows.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    known = {stream.id: stream for stream in streams}
    tail = _MEASURES if bucketed else ("value", "quality")
    key = "start" if bucketed else "time"
    writer.writerow(
        [f"{key}_utc", f"{key}_local", "zone", "datastream", "quantity", "depth_cm", "unit", *tail]
    )
    for item in items:
        stream = known[item["datastream"]]
        what = [stream.id, stream.quantity, stream.depth_cm, QUANTITIES[stream.quantity].unit]
        writer.writerow([*_times(item[key]), *what, *(_cell(item[name]) for name in tail)])
    return (_BOM if bom else "") + out.getvalue()


def _times(instant: datetime) -> tuple[str, str, str]:
    utc = instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return utc, instant.astimezone(SHANGHAI).replace(tzinfo=None).isoformat(), _ZONE


def _cell(value: object) -> object:
    return " ".join(value) if isinstance(value, list) else value
