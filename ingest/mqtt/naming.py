"""Device keys made of names that were given elsewhere: topics of other systems.

A key is one level of a topic and one entry of a password file; names of other systems may
hold spaces, colons or slashes. Those are written as in an address (%20), so that two names
never become one key.
"""

import re

_FOREIGN = re.compile(r"[\s/+#:%\x00-\x1f\x7f]")
_FOREIGN_OR_DOT = re.compile(r"[\s/+#:%.\x00-\x1f\x7f]")


def key_of(*names: str) -> str:
    """Make a key of a name, or of several names joined by dots (dots within become %2E).

    Examples
    --------
    >>> key_of("Raspberry Pi"), key_of("Jilin", "node1", "soil.1")
    ('Raspberry%20Pi', 'Jilin.node1.soil%2E1')
    """
    foreign = _FOREIGN if len(names) == 1 else _FOREIGN_OR_DOT
    return ".".join(foreign.sub(_written_out, name) for name in names)


def _written_out(found: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "replace"))
