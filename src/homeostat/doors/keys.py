"""API keys: `hs_<public id>_<secret>_<check>`. Made here, shown once; only a keyed hash of a key is ever kept.

The check is a CRC32: a door can turn away typing errors, and a scanner can find leaked keys, without looking anything
up. It protects nothing: the secret does, with 32 random bytes.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
import zlib
from dataclasses import dataclass, field
from typing import Final

PREFIX: Final = b"hs_"
OPERATOR: Final = "operator"
"""The public id of the local operator's token. Random ids are longer, so none can be this one."""

_DIGITS: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_FORM: Final = re.compile(rb"(hs_([0-9A-Za-z]{8,16})_[0-9A-Za-z]{43})_([0-9a-f]{8})\Z")
_ID_LENGTH, _SECRET_LENGTH = 12, 43


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key just made: `text` is for its owner, `id` and `hash` are what is kept."""

    id: str
    text: str = field(repr=False)
    hash: bytes = field(repr=False)


def make(pepper: bytes) -> NewKey:
    """A new random key."""
    return _written(pepper, _base62(secrets.randbits(71), _ID_LENGTH), secrets.token_bytes(32))


def operator(pepper: bytes, token: str) -> NewKey:
    """The key made of the secret in `control/operator`: the core publishes its hash, the command line sends it."""
    return _written(pepper, OPERATOR, hashlib.sha256(token.strip().encode()).digest())


def public_id(key: bytes) -> str | None:
    """The public id of a well-formed key; None: this cannot be one of ours."""
    found = _FORM.match(key)
    if found is None or _check(found[1]).encode() != found[3]:
        return None
    return found[2].decode()


def hashed(pepper: bytes, key: bytes) -> bytes:
    """What is kept of a key. A fast hash is right here: nobody can guess 32 random bytes."""
    return hmac.digest(pepper, key, "sha256")


def _written(pepper: bytes, id: str, secret: bytes) -> NewKey:
    body = f"hs_{id}_{_base62(int.from_bytes(secret), _SECRET_LENGTH)}"
    text = f"{body}_{_check(body.encode())}"
    return NewKey(id, text, hashed(pepper, text.encode()))


def _check(body: bytes) -> str:
    return f"{zlib.crc32(body):08x}"


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))
