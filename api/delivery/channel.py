"""What a channel is: one method; a new one is one file here and one test."""

from typing import Protocol

from api.delivery.advisory import Advisory


class Channel(Protocol):
    """A way to an extension officer or a village station."""

    @property
    def name(self) -> str:
        """Name in the log and in the outbox's last error."""

    def send(self, advisory: Advisory) -> None:
        """Hand an advisory over; raise when it was not taken.

        It may come again with the same number when another channel failed or the process
        was killed between sending and noting it: the second time must change nothing.
        """
