"""The review: flags that depend on other readings, set after the readings were stored.

A batch queues what it changed in its own transaction. A turn reads those spans with all that
their flags depend on, judges them again and writes what differs; the queue's row leaves in
the same transaction. So flags are a function of the stored readings alone, in whatever order
they came, late ones of years ago included, and a kill costs one turn.
"""

import time
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from analytics.quality.limits import Limits, limits
from analytics.quality.neighbours import LEAST_OTHERS, Station, neighbour_flags
from analytics.quality.series import CONTEXT, UNFIT, series_flags
from models.errors import UnknownQuantity
from models.reading import CONTEXT as CONTEXTUAL
from models.reading import Quality
from models.store import readings, review
from models.store.database import Database, ReadTx, WriteTx
from models.store.review import SPAN, Stream, Window

_SPANS = 300  # series judged in one transaction, about 0.3 s
_TOGETHER = 20_000  # readings changed in one span: what is merged must fit in memory
_HOUR_US = 3_600_000_000
_DAY_US = 24 * _HOUR_US
_PIECE_US = 10 * _DAY_US  # of a comparison, so that a turn of old data ends
_FOLLOWED = 2.0  # times the longest credible run: gaps in it are no evidence


class Reviewer:
    """Judges stored readings by their neighbours, a bounded piece of work at a time.

    Parameters
    ----------
    budget_s : float
        Seconds of work a turn; with a turn every 2 s a fifth of a core, whatever waits.
    """

    def __init__(self, database: Database, budget_s: float = 0.5) -> None:
        self._database = database
        self._budget_s = budget_s
        self.lag_s = 0.0
        self.waiting = 0

    def turn(self) -> int:
        """Work until nothing waits or the budget is spent; return how many flags changed."""
        changed, ends = 0, time.monotonic() + self._budget_s
        busy = True
        while busy and time.monotonic() < ends:
            # by turns, so that neither queue waits for the other
            found = [n for n in (self._series(), self._neighbours()) if n is not None]
            changed, busy = changed + sum(found), bool(found)
        with self._database.reading() as tx:
            self.lag_s, self.waiting = review.standing(tx)
        return changed

    def _series(self) -> int | None:
        """Review the head of the queue of series; None when it is empty."""
        with self._database.writing() as tx:
            queued = review.waiting(tx, "series") if review.alone(tx) else None
            if queued is None or queued.at is None:
                return None
            spans = merged(queued.spans)
            streams = review.streams(tx, spans["datastream_id"][:_SPANS].tolist())
            changed = _reviewed(tx, spans[:_SPANS], streams)
            _ask_neighbours(tx, queued.at, spans[:_SPANS], streams)
            review.queue_again(tx, "series", queued.at, spans[_SPANS:])
            review.done(tx, "series", queued.ids)
        return changed

    def _neighbours(self) -> int | None:
        """Compare the stations that head the queue; None when it is empty."""
        with self._database.writing() as tx:
            queued = review.waiting(tx, "neighbours") if review.alone(tx) else None
            if queued is None or queued.at is None:
                return None
            spans = grouped(
                queued.spans, review.streams(tx, queued.spans["datastream_id"].tolist())
            )
            changed, rest = 0, spans
            if len(spans):
                changed, left = _compared(tx, spans[0])
                rest = np.concatenate((left, spans[1:]))
            review.queue_again(tx, "neighbours", queued.at, rest)
            review.done(tx, "neighbours", queued.ids)
        return changed


def catch_up(database: Database) -> int:
    """Review everything that waits; return how many flags changed."""
    reviewer, changed = Reviewer(database, budget_s=60.0), 0
    while True:
        changed += reviewer.turn()
        if not reviewer.waiting:
            return changed


def merged(spans: NDArray[np.void]) -> NDArray[np.void]:
    """Join the spans of a datastream that touch or lie within a day of each other.

    Parameters
    ----------
    spans : ndarray of SPAN, shape (n,)

    Returns
    -------
    ndarray of SPAN, shape (m,)
        By datastream and time; none joined to more than 20,000 changed readings.
    """
    spans = np.sort(spans, order=("datastream_id", "since", "until"))
    found: list[list[int]] = []
    for stream, since, until, n in spans.tolist():
        last = found[-1] if found else None
        near = last is not None and last[0] == stream and since <= last[2] + _DAY_US
        if last is not None and near and last[3] + n <= _TOGETHER:
            last[2], last[3] = max(last[2], until), last[3] + n
        else:
            found.append([stream, since, until, n])
    return np.array([tuple(row) for row in found], SPAN)


def grouped(spans: NDArray[np.void], streams: dict[int, Stream]) -> NDArray[np.void]:
    """Name every span after the first station of its group, and join them."""
    spans = spans[np.isin(spans["datastream_id"], list(streams))].copy()
    spans["datastream_id"] = [streams[i].stations[0] for i in spans["datastream_id"].tolist()]
    return merged(spans)


def _limits(quantity: str) -> Limits | None:
    try:
        return limits(quantity)
    except UnknownQuantity:  # it left the register; its readings stay as they are
        return None


def _reviewed(tx: WriteTx, spans: NDArray[np.void], streams: dict[int, Stream]) -> int:
    known = {i: _limits(stream.quantity) for i, stream in streams.items()}
    judged = {i: found for i, found in known.items() if found is not None and found.contextual}
    spans = spans[np.isin(spans["datastream_id"], list(judged))]
    if not len(spans):
        return 0
    of_span = [judged[i] for i in spans["datastream_id"].tolist()]
    hours = np.array([_followed(found) for found in of_span])
    windows = review.windows(tx, spans, hours, CONTEXT)
    return _write(tx, [_judged(w, found) for w, found in zip(windows, of_span, strict=True)])


def _followed(found: Limits) -> float:
    """Return how far a run of equal values has to be followed to be judged [h]."""
    if found.stuck is None:
        return 0.0
    longest = [hours for *_, hours in found.stuck.rest if hours < 1e6]
    return _FOLLOWED * max([found.stuck.hours, *longest])


def _judged(window: Window, found: Limits) -> NDArray[np.void]:
    """Return the readings of a window whose flags differ, with those that they should have."""
    rows = window.rows
    flags = series_flags(rows["phenomenon_time"], rows["value"], rows["quality"], found)
    flags |= rows["quality"] & np.int16(Quality.NEIGHBOUR)
    inside = (rows["phenomenon_time"] >= window.first) & (rows["phenomenon_time"] <= window.last)
    return _differing(rows, flags, inside)


def _differing(
    rows: NDArray[np.void], flags: NDArray[np.int16], inside: NDArray[np.bool_]
) -> NDArray[np.void]:
    differ = inside & (rows["quality"] & np.int16(CONTEXTUAL) != flags)
    found: NDArray[np.void] = rows[differ]
    found["quality"] = flags[differ]
    return found


def _write(tx: WriteTx, parts: list[NDArray[np.void]]) -> int:
    if not any(len(part) for part in parts):
        return 0
    rows: NDArray[np.void] = np.concatenate(parts)
    # one order for every writer: two that reflag the same readings wait, and never for each other
    _, first = np.unique(rows[["datastream_id", "phenomenon_time", "seq"]], return_index=True)
    rows = rows[first]
    keys = rows["datastream_id"], rows["phenomenon_time"], rows["seq"]
    return readings.reflag(tx, *keys, rows["quality"])


def _ask_neighbours(
    tx: WriteTx, at: datetime, spans: NDArray[np.void], streams: dict[int, Stream]
) -> None:
    """Queue the comparison of stations: what changed is learnt from for some weeks after."""
    asked = []
    for stream, since, until, n in spans.tolist():
        known = streams.get(stream)
        found = None if known is None else _limits(known.quantity)
        if found is None or found.neighbour is None or known is None:
            continue
        if len(known.stations) > LEAST_OTHERS:
            learnt = (found.neighbour.days + 1) * _DAY_US
            asked.append((known.stations[0], since - _HOUR_US, until + learnt, n))
    if asked:
        review.queue_again(tx, "neighbours", at, merged(np.array(asked, SPAN)))


def _compared(tx: WriteTx, span: np.void) -> tuple[int, NDArray[np.void]]:
    """Compare the first piece of a group's span; return changes and what is left of the span."""
    lead, since, until = int(span["datastream_id"]), int(span["since"]), int(span["until"])
    (stream,) = review.streams(tx, [lead]).values()
    found, ids = _limits(stream.quantity), stream.stations
    newest = review.newest(tx, ids)
    if found is None or found.neighbour is None or newest is None or len(ids) <= LEAST_OTHERS:
        return 0, np.zeros(0, SPAN)
    until = min(until, newest)
    end = min(until, since + _PIECE_US)
    left = [(lead, end, until, span["n"])] if end < until else []
    whole, stations = _stations(tx, ids, since, end, found.neighbour.days)
    flags = neighbour_flags(stations, found.neighbour, (since, end))
    parts = [
        _renewed(rows, times, new, (since, end))
        for rows, (times, _), new in zip(whole, stations, flags, strict=True)
    ]
    return _write(tx, parts), np.array(left, SPAN)


def _stations(
    tx: ReadTx, ids: tuple[int, ...], since: int, end: int, days: int
) -> tuple[list[NDArray[np.void]], list[Station]]:
    """Read all of a span and an hour around it, and before it what is learnt from."""
    begins = (since - _HOUR_US) // _HOUR_US * _HOUR_US
    whole = review.compared(tx, ids, begins, end + _HOUR_US + 1)
    past = review.learnt(tx, ids, begins - (days + 1) * _DAY_US, begins)
    stations = []
    for one in ids:
        rows = np.concatenate((past[one], whole[one]))
        fit = rows[rows["quality"] & UNFIT == 0]
        stations.append(Station(fit["phenomenon_time"].copy(), fit["value"].copy()))
    return [whole[one] for one in ids], stations


def _renewed(
    rows: NDArray[np.void],
    times: NDArray[np.int64],
    flags: NDArray[np.int16],
    judged: tuple[int, int],
) -> NDArray[np.void]:
    """Return the readings of a station that gain or lose NEIGHBOUR."""
    far = np.isin(rows["phenomenon_time"], times[flags != 0]) & (rows["quality"] & UNFIT == 0)
    inside = (rows["phenomenon_time"] >= judged[0]) & (rows["phenomenon_time"] <= judged[1])
    kept = rows["quality"] & np.int16(CONTEXTUAL & ~Quality.NEIGHBOUR)
    new = kept | np.where(far, np.int16(Quality.NEIGHBOUR), np.int16(0))
    return _differing(rows, new.astype(np.int16), inside)
