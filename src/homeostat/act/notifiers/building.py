"""From what was said to a channel, and from a channel to its notifier. Secrets are sealed on the way in."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from pathlib import Path
from typing import Any, Final, cast, get_args, get_origin, get_type_hints

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from homeostat.act.notifiers import NOTIFIERS, Notifier
from homeostat.act.notifiers.outbound import bad_url
from homeostat.records.channel import Channel
from homeostat.store import control

_KEY: Final = "channels"
_NONCE: Final = 12
_LONGEST: Final = 4000


class BadChannel(ValueError):
    """What was said is no channel; the message says why."""


def key(folder: Path) -> bytes:
    """What secrets of channels are sealed with, kept outside the ledger. `folder`: `control/` of the data directory."""
    return control.secret(folder, _KEY, lambda: os.urandom(32))


def checked(kind: str, given: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The settings of a kind, all of them, as they may be kept. `before`: what a secret left out stays. BadChannel."""
    if kind not in NOTIFIERS:
        raise BadChannel(f"There is no notifier {kind!r}; there are {', '.join(NOTIFIERS)}.")
    known = {each.name: each for each in _fields(kind)}
    unknown = sorted(given.keys() - known.keys())
    if unknown:
        raise BadChannel(f"{kind} has no setting {unknown[0]!r}; it has {', '.join(known)}.")
    hints = get_type_hints(NOTIFIERS[kind])
    settings: dict[str, Any] = {}
    for name, each in known.items():
        if name in given:
            settings[name] = _value(kind, name, hints[name], given[name])
        elif before is not None and name in before:
            settings[name] = before[name]
        elif each.default is MISSING:
            raise BadChannel(f"{kind} needs {name}: {each.metadata['says']}")
    if "url" in settings and (wrong := bad_url(settings["url"])):
        raise BadChannel(f"url: {wrong}.")
    return settings


def split(kind: str, settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """(what may be seen, what may not)."""
    hidden = {each.name for each in _fields(kind) if each.metadata.get("secret")}
    return (
        {name: value for name, value in settings.items() if name not in hidden},
        {name: value for name, value in settings.items() if name in hidden},
    )


def seal(key: bytes, project: str, name: str, secret: Mapping[str, Any]) -> str:
    """Encrypted, and good for this channel only."""
    nonce = os.urandom(_NONCE)
    text = json.dumps(dict(secret)).encode()
    return base64.b64encode(nonce + AESGCM(key).encrypt(nonce, text, _about(project, name))).decode()


def unseal(key: bytes, channel: Channel) -> dict[str, Any]:
    """Its secrets. Raises BadChannel when the key is another one, or the seal was changed."""
    try:
        raw = base64.b64decode(channel.sealed, validate=True)
        text = AESGCM(key).decrypt(raw[:_NONCE], raw[_NONCE:], _about(channel.project, channel.name))
        return cast(dict[str, Any], json.loads(text))
    except (InvalidTag, ValueError) as error:
        raise BadChannel(f"The secrets of channel {channel.name} cannot be read: set them again.") from error


def built(key: bytes, channel: Channel) -> Notifier:
    """What does its work. Raises BadChannel."""
    settings = checked(channel.kind, {**channel.settings, **unseal(key, channel)})
    return NOTIFIERS[channel.kind](**settings)


def kinds() -> dict[str, dict[str, Any]]:
    """Every kind with its settings, for those who choose one."""
    return {
        kind: {
            "means": (plugin.__doc__ or "").partition("\n")[0],
            "settings": {
                each.name: {
                    "says": each.metadata["says"],
                    "secret": bool(each.metadata["secret"]),
                    "needed": each.default is MISSING,
                    **({} if each.default is MISSING or each.metadata["secret"] else {"default": each.default}),
                }
                for each in _fields(kind)
            },
        }
        for kind, plugin in NOTIFIERS.items()
    }


def _fields(kind: str) -> tuple[Field[Any], ...]:
    return fields(cast(Any, NOTIFIERS[kind]))


def _value(kind: str, name: str, hint: Any, value: Any) -> Any:
    if get_origin(hint) is tuple:
        many = [value] if isinstance(value, str) else value
        if not isinstance(many, list | tuple) or not many or not all(_text(each) for each in many):
            raise BadChannel(f"{kind}: {name} is one text or a list of them.")
        return tuple(many)
    if hint is int:
        if isinstance(value, str) and value.isdecimal():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 65536:
            raise BadChannel(f"{kind}: {name} is a number.")
        return value
    if get_args(hint) and value not in get_args(hint):
        raise BadChannel(f"{kind}: {name} is one of {', '.join(get_args(hint))}.")
    if not _text(value) and value != "":
        raise BadChannel(f"{kind}: {name} is a text.")
    return value


def _text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST and all(ord(each) > 31 for each in value)


def _about(project: str, name: str) -> bytes:
    return f"{project}/{name}".encode()
