"""Named values of a message, sorted into readings, texts and refusals.

Many formats are a bag of names and JSON values of which only some are measurements: numbers
are readings, booleans and texts are kept beside them, null says that there is no value.
"""

import json
from typing import Any

from ingest.mqtt.format import Decoded, Kept, Refusal, Sent, Signs, Undecodable
from ingest.mqtt.wire import number, number_or_text
from models.reading import Reason

_MAX_DEPTH = 8  # of objects within objects; real payloads use one to three
_MAX_NAME = 200  # characters of a channel
_MAX_TEXT = 500  # characters kept of a text


class Harvest:
    """Collects the values of one message; every call is one item, whatever becomes of it.

    Parameters
    ----------
    numeric_text : bool
        The format is known to send numbers as text ("13.25").
    """

    def __init__(self, *, numeric_text: bool = False) -> None:
        self.sent: list[Sent] = []
        self.refused: list[Refusal] = []
        self.kept: list[Kept] = []
        self._numeric_text = numeric_text
        self._item = 0

    def take(
        self,
        channel: str,
        stated: Any,  # noqa: ANN401
        time: int | None,
        unit: str | None = None,
        ago: int = 0,
    ) -> None:
        """Take a value that is no object.

        Parameters
        ----------
        time, ago : int
            See `Sent`, microseconds.
        """
        item, self._item = self._item, self._item + 1
        channel = storable(channel)
        if not channel or len(channel) > _MAX_NAME:
            name = f"a name of {len(channel)} characters; 1 to {_MAX_NAME} are allowed"
            self.refused.append(Refusal(item, Reason.WRONG_SHAPE, name, channel[:_MAX_NAME]))
        elif isinstance(stated, int | float) and not isinstance(stated, bool):
            self.sent.append(Sent(item, time, number(stated), channel, unit, ago=ago))
        elif stated is not None and not self._number_in_text(item, channel, stated, time, unit):
            self.kept.append(Kept(channel, _text(stated)))

    def refuse(self, channel: str, detail: str) -> None:
        """Refuse a value."""
        item, self._item = self._item, self._item + 1
        name = storable(channel)[:_MAX_NAME]
        self.refused.append(Refusal(item, Reason.WRONG_SHAPE, storable(detail), name))

    def take_all(
        self,
        values: dict[str, Any],
        time: int | None,
        *,
        prefix: str = "",
        units: dict[str, str] | None = None,
        depth: int = 0,
    ) -> None:
        """Take an object; names of objects within it are joined by a dot.

        Parameters
        ----------
        time : int or None
            Of all values, microseconds.
        units : dict, optional
            Last part of a name -> wire unit.
        """
        for name, stated in values.items():
            if not isinstance(stated, dict):
                self.take(prefix + name, stated, time, units.get(name) if units else None)
            elif depth < _MAX_DEPTH:
                self.take_all(stated, time, prefix=f"{prefix}{name}.", units=units, depth=depth + 1)
            else:
                self.refuse(prefix + name, f"objects nested deeper than {_MAX_DEPTH}")

    def decoded(self, signs: Signs | None = None) -> Decoded:
        """Return what was collected; names without a datastream are nobody's loss."""
        return Decoded(self.sent, self.refused, selective=True, signs=signs, kept=self.kept)

    def _number_in_text(
        self, item: int, channel: str, stated: object, time: int | None, unit: str | None
    ) -> bool:
        if not self._numeric_text or not isinstance(stated, str):
            return False
        try:
            self.sent.append(Sent(item, time, number_or_text(stated), channel, unit))
        except Undecodable:
            return False
        return True


def storable(text: str) -> str:
    """Return a text as the store can hold it: no NUL, no half of a surrogate pair."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _text(stated: object) -> str:
    if isinstance(stated, bool):
        return "true" if stated else "false"
    told = stated if isinstance(stated, str) else json.dumps(stated, ensure_ascii=False)
    return storable(told[:_MAX_TEXT])
