"""Secrets at rest: scrypt for what people and devices know, SHA-256 for random tokens."""

import hashlib
import hmac
import secrets

# RFC 7914 parameters of interactive login: 16 MiB, about 50 ms
_COST, _BLOCK, _LANES, _LENGTH = 2**14, 8, 1, 32


def _scrypt(secret: str, salt: bytes) -> bytes:
    return hashlib.scrypt(
        secret.encode(), salt=salt, n=_COST, r=_BLOCK, p=_LANES, dklen=_LENGTH, maxmem=2**26
    )


def hashed(secret: str) -> str:
    """Return ``scrypt$salt$hash`` (hexadecimal) of a password or device secret."""
    salt = secrets.token_bytes(16)
    return f"scrypt${salt.hex()}${_scrypt(secret, salt).hex()}"


def matches(secret: str, stored: str) -> bool:
    """Tell, in constant time, whether a secret is the one that was hashed."""
    _, salt, expected = stored.split("$")
    return hmac.compare_digest(_scrypt(secret, bytes.fromhex(salt)), bytes.fromhex(expected))


def digest(token: str) -> bytes:
    """Return the SHA-256 of a random token; it has 256 bits, so it needs no salt."""
    return hashlib.sha256(token.encode()).digest()
