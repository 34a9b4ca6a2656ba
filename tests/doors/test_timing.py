"""Time does not tell which public ids exist (05, S4)."""

from __future__ import annotations

import gc
import random
import socket
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
import uvicorn
from scipy import stats

from tests.doors.door import Door, Keyring, drive

SAMPLES = 20_000


def forged(id: str, dice: random.Random) -> str:
    secret = "".join(dice.choices("0123456789ABCDEFGHIJabcdefghij", k=43))
    body = f"hs_{id}_{secret}"
    return f"{body}_{zlib.crc32(body.encode()):08x}"


def credentials(ring: Keyring, samples: int) -> list[tuple[int, str]]:
    """(0, known id with a wrong secret) and (1, unknown id), as many of each, in random order.

    There are as many unknown ids as known ones, so that both are equally warm.
    """
    dice = random.Random(20261120)
    known = [text.split("_")[1] for text in ring.texts.values() if "operator" not in text]
    strangers = ["".join(dice.choices("0123456789ABCDEFabcdef", k=12)) for _ in known]
    found = [
        (kind, forged(dice.choice(ids), dice)) for kind, ids in ((0, known), (1, strangers)) for _ in range(samples)
    ]
    dice.shuffle(found)
    return found


def timed(asked: list[tuple[int, str]], ask: Callable[[str], None]) -> tuple[list[int], list[int]]:
    """Nanoseconds of each refusal, by kind."""
    took: tuple[list[int], list[int]] = ([], [])
    clock = time.perf_counter_ns
    gc.disable()
    try:
        for kind, key in asked:
            begun = clock()
            ask(key)
            took[kind].append(clock() - begun)
    finally:
        gc.enable()
    return took


def test_the_work_is_the_same(door: Callable[..., Door], ring: Keyring) -> None:
    """Inside the door the same functions are called in the same order; a way out that skips the hash is seen."""
    strict = door()

    async def take(_message: object) -> None:
        return None

    def ask(key: str) -> None:
        headers = [(b"host", b"localhost"), (b"authorization", b"Bearer " + key.encode())]
        drive(strict.guard({"type": "http", "method": "POST", "path": "/v1/traces", "headers": headers}, None, take))  # type: ignore[arg-type]

    asked = credentials(ring, 20)
    ask(asked[0][1])  # what is looked up once for all
    called = [(kind, calls(partial(ask, key))) for kind, key in asked]
    (one,) = {calls for _, calls in called}
    assert {kind for kind, _ in called} == {0, 1} and "compare_digest" in one


def calls(work: Callable[[], None]) -> tuple[str, ...]:
    """The functions that are called by it, Python's own too, in order.

    The collector of garbage waits: what it calls (other tests' finalizers, hooks of the tools) is no work of the door.
    """
    seen: list[str] = []

    def note(frame: Any, event: str, called: Any) -> None:
        if event == "call":
            seen.append(frame.f_code.co_qualname)
        elif event == "c_call":
            seen.append(called.__qualname__)

    gc.disable()
    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
        gc.enable()
    return tuple(seen)


@contextmanager
def served(door: Door) -> Iterator[int]:
    """The door on a real port of loopback."""
    config = uvicorn.Config(door.guard, port=0, log_level="critical", lifespan="off", access_log=False)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(60)


@pytest.mark.nightly
def test_an_unknown_id_takes_as_long_as_a_wrong_secret(door: Callable[..., Door], ring: Keyring) -> None:
    """As an attacker on the same machine sees it: over one connection, 20,000 samples each, Welch |t| < 4.5."""
    with served(door()) as port, socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def ask(key: str) -> None:
            client.sendall(f"GET /metrics HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {key}\r\n\r\n".encode())
            answer = client.recv(65536)
            while not answer.endswith(b"}"):
                answer += client.recv(65536)
            assert answer.startswith(b"HTTP/1.1 401")

        wrong, unknown = timed(credentials(ring, SAMPLES), ask)
    # Pauses of the machine are no property of the door: the slowest tenth of all is left out on both sides alike.
    limit = sorted(wrong + unknown)[int(0.9 * 2 * SAMPLES)]
    kept = [[one for one in kind if one <= limit] for kind in (wrong, unknown)]
    assert abs(float(stats.ttest_ind(*kept, equal_var=False).statistic)) < 4.5
