"""Secrets at rest: scrypt for passwords, the broker's format for device secrets.

Random tokens have 256 bits and need no salt: SHA-256 is enough.
"""

import base64
import hashlib
import hmac
import secrets

# RFC 7914 parameters of interactive login: 16 MiB, about 50 ms
_COST, _BLOCK, _LANES, _LENGTH = 2**14, 8, 1, 32
# what mosquitto_passwd of mosquitto 2.0 writes: PBKDF2-SHA512, 101 rounds over a 12-byte salt;
# few rounds are enough for a random secret of 192 bits
_BROKER_ROUNDS, _BROKER_SALT = 101, 12


def _scrypt(secret: str, salt: bytes) -> bytes:
    return hashlib.scrypt(
        secret.encode(), salt=salt, n=_COST, r=_BLOCK, p=_LANES, dklen=_LENGTH, maxmem=2**26
    )


def hashed(secret: str) -> str:
    """Return ``scrypt$salt$hash`` (hexadecimal) of a password."""
    salt = secrets.token_bytes(16)
    return f"scrypt${salt.hex()}${_scrypt(secret, salt).hex()}"


def matches(secret: str, stored: str) -> bool:
    """Tell, in constant time, whether a secret is the one that was hashed."""
    _, salt, expected = stored.split("$")
    return hmac.compare_digest(_scrypt(secret, bytes.fromhex(salt)), bytes.fromhex(expected))


def broker_hash(secret: str) -> str:
    """Hash a device secret as mosquitto keeps it: ``$7$rounds$salt$hash`` (base64)."""
    return _broker_hash(secret, secrets.token_bytes(_BROKER_SALT))


def broker_matches(secret: str, stored: str) -> bool:
    """Tell whether a secret is the one behind a line of the broker's password file."""
    try:
        salt = base64.b64decode(stored.split("$")[3])
    except (IndexError, ValueError):
        return False
    return hmac.compare_digest(_broker_hash(secret, salt), stored)


def _broker_hash(secret: str, salt: bytes) -> str:
    derived = hashlib.pbkdf2_hmac("sha512", secret.encode(), salt, _BROKER_ROUNDS)
    return f"$7${_BROKER_ROUNDS}${_base64(salt)}${_base64(derived)}"


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def digest(token: str) -> bytes:
    """Return the SHA-256 of a random token; it has 256 bits, so it needs no salt."""
    return hashlib.sha256(token.encode()).digest()
