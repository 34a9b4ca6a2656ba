"""The way to a judge's model: any OpenAI-compatible or Anthropic endpoint that the operator named.

One request, no tools, no redirects, no proxies of the environment, a bounded answer. What fails is a value that says
whether asking again could help.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import secrets
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Literal

import httpx2

from homeostat.analyze.judges.prompt import Prompt

_MOST_BYTES: Final = 1_000_000
_TRIES: Final = 3
_LONGEST_WAIT: Final = 20.0
_ANTHROPIC_VERSION: Final = "2023-06-01"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where judges live. Only the operator names one (settings), never a request or a text."""

    url: str
    model: str
    key: str = field(default="", repr=False)
    kind: Literal["openai", "anthropic"] = "openai"
    timeout: float = 60.0
    concurrency: int = 4
    max_tokens: int = 800
    schema: bool = True
    """Whether it takes a JSON schema; one that does not is asked in words alone."""
    usd_per_million_in: float = 0.0
    usd_per_million_out: float = 0.0
    others: Mapping[str, Endpoint] = field(default_factory=dict, hash=False)
    """Endpoints that are asked instead when the model that is wanted bears their name."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model wrote, and what it took."""

    text: str
    model: str
    input_tokens: int
    output_tokens: int
    usd: float
    seconds: float
    chance: float | None = None
    """Probability of the better verdict word, where the endpoint gives log-probabilities."""


@dataclass(frozen=True, slots=True)
class NoReply:
    """Nothing that could be read, and why. What it cost all the same counts."""

    why: str
    usd: float = 0.0
    calls: int = 1


@lru_cache(maxsize=1)
def _context() -> ssl.SSLContext:
    """Reading the certificates takes longer than most questions; clients come and go."""
    return httpx2.create_ssl_context()


class Caller:
    """Asks one endpoint, a bounded number of questions at a time."""

    def __init__(self, endpoint: Endpoint, *, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self.endpoint = endpoint
        self._others = {name: Caller(other, transport=transport) for name, other in endpoint.others.items()}
        self._turns = asyncio.Semaphore(endpoint.concurrency)
        self._client = httpx2.AsyncClient(
            timeout=endpoint.timeout, follow_redirects=False, trust_env=False, transport=transport, verify=_context()
        )

    async def close(self) -> None:
        """Let its connections go."""
        for other in self._others.values():
            await other.close()
        await self._client.aclose()

    async def ask(self, prompt: Prompt, *, model: str = "", unless: Callable[[], str] = lambda: "") -> Reply | NoReply:
        """One question; asked again when the endpoint is busy, not when it answers nonsense. `unless`: why it is not
        asked at all, when its turn comes."""
        if model in self._others:
            return await self._others[model].ask(prompt, unless=unless)
        calls = 0
        async with self._turns:
            if why := unless():
                return NoReply(why, calls=0)
            begun = time.monotonic()
            while True:
                calls += 1
                found = await self._once(prompt, model or self.endpoint.model, begun)
                if not isinstance(found, _Busy):
                    return found
                if calls == _TRIES:
                    return NoReply(found.why, calls=calls)
                await asyncio.sleep(min(_LONGEST_WAIT, found.wait or random.uniform(0.5, 1.0) * 2 ** (calls - 1)))

    async def _once(self, prompt: Prompt, model: str, begun: float) -> Reply | NoReply | _Busy:
        url, headers, body = _request(self.endpoint, prompt, model)
        try:
            async with asyncio.timeout(self.endpoint.timeout):
                async with self._client.stream("POST", url, headers=headers, json=body) as response:
                    text = await _bounded(response)
        except (TimeoutError, httpx2.TimeoutException):
            return NoReply("the judge did not answer in time")
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError) as error:
            return _Busy(f"the judge cannot be reached ({type(error).__name__})")
        if text is None:
            return NoReply("the judge's answer is too long")
        if response.status_code in (408, 409, 429) or response.status_code >= 500:
            return _Busy(f"the judge answered {response.status_code}", _wait(response.headers.get("retry-after", "")))
        if response.status_code != 200:
            return NoReply(f"the judge answered {response.status_code}")
        return _reply(self.endpoint, text, prompt, time.monotonic() - begun)


@dataclass(frozen=True, slots=True)
class _Busy:
    why: str
    wait: float = 0.0


async def _bounded(response: httpx2.Response) -> bytes | None:
    parts, size = [], 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > _MOST_BYTES:
            return None
        parts.append(part)
    return b"".join(parts)


def _wait(retry_after: str) -> float:
    return min(float(retry_after), _LONGEST_WAIT) if retry_after.isascii() and retry_after.isdigit() else 0.0


def _request(endpoint: Endpoint, prompt: Prompt, model: str) -> tuple[str, dict[str, str], dict[str, Any]]:
    base = endpoint.url.rstrip("/")
    # A trace of its own, and marked: through our gateway it counts as an evaluation, never as the application's call.
    trace = f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
    marks = {"x-homeostat-purpose": "judge", "user-agent": "homeostat-judge", "traceparent": trace}
    if endpoint.kind == "anthropic":
        headers = {"x-api-key": endpoint.key, "anthropic-version": _ANTHROPIC_VERSION, **marks}
        user = [{"role": "user", "content": prompt.user}]
        plain = {"model": model, "max_tokens": endpoint.max_tokens, "temperature": 0}
        return f"{base}/messages", headers, {**plain, "system": prompt.system, "messages": user}
    headers = marks | ({"authorization": f"Bearer {endpoint.key}"} if endpoint.key else {})
    body: dict[str, Any] = {
        "model": model,
        "temperature": 0,
        "max_tokens": endpoint.max_tokens,
        "messages": [{"role": "system", "content": prompt.system}, {"role": "user", "content": prompt.user}],
    }
    if endpoint.schema and prompt.schema:
        schema = {"name": "verdict", "strict": True, "schema": dict(prompt.schema)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    if prompt.form == "yes_no":
        body |= {"logprobs": True, "top_logprobs": 5}
    return f"{base}/chat/completions", headers, body


def _reply(endpoint: Endpoint, body: bytes, prompt: Prompt, seconds: float) -> Reply | NoReply:
    try:
        said = json.loads(body)
        usage = said.get("usage") or {}
        tokens = _count(usage, "input_tokens", "prompt_tokens"), _count(usage, "output_tokens", "completion_tokens")
        usd = (tokens[0] * endpoint.usd_per_million_in + tokens[1] * endpoint.usd_per_million_out) / 1e6
        text, why = _anthropic(said) if endpoint.kind == "anthropic" else _openai(said)
        model = str(said.get("model", ""))
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return NoReply("the judge's endpoint answered something that is not of its API")
    if why:
        return NoReply(why, usd)
    return Reply(text, model, *tokens, usd, seconds, _chance(said) if prompt.form == "yes_no" else None)


def _openai(said: Mapping[str, Any]) -> tuple[str, str]:
    choice = said["choices"][0]
    message = choice["message"]
    finish = choice.get("finish_reason")
    if message.get("refusal") or finish == "content_filter":
        return "", "the judge refused"
    if finish == "length":
        return "", "the judge's answer was cut off"
    if message.get("tool_calls"):
        return "", "the judge wanted to call a tool; it has none"
    text = message["content"]
    return (text, "") if isinstance(text, str) and text.strip() else ("", "the judge's answer is empty")


def _anthropic(said: Mapping[str, Any]) -> tuple[str, str]:
    stop = said.get("stop_reason")
    if stop == "refusal":
        return "", "the judge refused"
    if stop == "max_tokens":
        return "", "the judge's answer was cut off"
    text = "".join(part["text"] for part in said["content"] if part.get("type") == "text")
    return (text, "") if text.strip() else ("", "the judge's answer is empty")


def _count(usage: Mapping[str, Any], *names: str) -> int:
    for name in names:
        value = usage.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 31:
            return value
    return 0


def _chance(said: Mapping[str, Any]) -> float | None:
    """P(NO) ÷ (P(NO) + P(YES)) at the place where the verdict stands; None: not told."""
    try:
        tokens = said["choices"][0]["logprobs"]["content"]
        before = ""
        for token in tokens:
            word = token["token"].strip(' "').upper()
            if '"verdict"' in before and word in ("YES", "NO"):
                found = {"YES": 0.0, "NO": 0.0}
                for other in token["top_logprobs"]:
                    name = other["token"].strip(' "').upper()
                    if name in found:
                        found[name] += math.exp(min(0.0, float(other["logprob"])))
                total = found["YES"] + found["NO"]
                return found["NO"] / total if total > 0 else None
            before = (before + token["token"])[-40:]
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return None
    return None
