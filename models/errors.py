"""One tree of platform errors.

The message of an error is its class docstring, filled with the keyword arguments it was
raised with; ``api/errors.py`` maps each class to an HTTP status, the command line prints
the message and exits 1.
"""


class HeituError(Exception):
    """Something went wrong in Heitu."""

    def __init__(self, message: str | None = None, **facts: object) -> None:
        template = message if message is not None else (type(self).__doc__ or "").strip()
        self.facts = facts
        self.message = template.format(**facts) if facts else template
        super().__init__(self.message)


class NotFound(HeituError):
    """There is no {noun} {key!r}."""


class Forbidden(HeituError):
    """This account may not {action} here; it takes {needs}."""


class Unauthenticated(HeituError):
    """Log in first: send 'Authorization: Bearer <token>' from POST /v1/auth/token."""


class Conflict(HeituError):
    """There is already a {noun} {key!r}."""


class InUse(Conflict):
    """The {noun} {key!r} is still in use: {why}."""


class ClaimRefused(HeituError):
    """This claim key does not open a device here: it is wrong, used, or for another region."""


class Invalid(HeituError):
    """The input cannot be used: {why}."""


class BadBody(HeituError):
    """The body of the request cannot be read: {why}."""


class BodyTooLarge(HeituError):
    """The body holds {n} {what}; {most} are allowed."""


class UnknownQuantity(Invalid):
    """{key!r} is not an observed quantity of this platform."""


class UnknownUnit(Invalid):
    """{unit!r} is not a unit of {quantity}; use one of {known}."""


class UnknownCodec(Invalid):
    """{key!r} is not a codec of this platform; it has {known}."""


class UnknownProfile(Invalid):
    """{key!r} is not a device profile of this platform; it has {known}."""


class BadQuery(HeituError):
    """The query option {option} cannot be used: {why}."""


class TooBroad(HeituError):
    """The question takes more than {seconds} s to answer; narrow it down."""


class SceneRejected(Invalid):
    """The scene was not taken in ({reason}): {detail}"""


class Unavailable(HeituError):
    """{part} is not available: {why}"""


class SpoolFull(HeituError):
    """The spool of the edge station takes no more messages: {why}."""


class BadSetting(HeituError):
    """The setting {name} cannot be used: {why}."""


class StartFailed(HeituError):
    """{part} did not start: {why}"""


class AuditBroken(HeituError):
    """The stored {noun} {key!r} does not replay to the same result."""
