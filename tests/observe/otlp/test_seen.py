"""What was accepted a moment ago is recognised, within a bounded memory."""

from __future__ import annotations

import asyncio

from homeostat.observe.otlp.check import Checked
from homeostat.observe.otlp.seen import Seen, fingerprint


def test_fingerprints_tell_project_signal_and_body_apart() -> None:
    marks = {fingerprint(p, s, b) for p in ("a", "ab") for s in ("traces", "logs") for b in (b"", b"x")}
    assert len(marks) == 8
    assert fingerprint("a", "logs", b"x") == fingerprint("a", "logs", b"x")


def test_only_what_is_done_is_remembered() -> None:
    async def story() -> None:
        seen = Seen()
        assert await seen.first(b"one") is None
        seen.failed(b"one")
        assert await seen.first(b"one") is None
        seen.done(b"one", Checked(3))
        assert await seen.first(b"one") == Checked(3)

    asyncio.run(story())


def test_waiters_take_over_when_the_first_fails() -> None:
    async def story() -> None:
        seen = Seen()
        assert await seen.first(b"one") is None
        waiting = [asyncio.create_task(seen.first(b"one")) for _ in range(3)]
        await asyncio.sleep(0)
        seen.failed(b"one")
        done, rest = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result() for task in done] == [None]
        seen.done(b"one", Checked(1))
        assert {task.result() for task in (await asyncio.wait(rest))[0]} == {Checked(1)}

    asyncio.run(story())


def test_the_memory_is_bounded_and_keeps_the_newest() -> None:
    async def story() -> None:
        seen = Seen(memory=100)
        for number in range(1000):
            mark = number.to_bytes(4, "big")
            assert await seen.first(mark) is None
            seen.done(mark, Checked(1))
        kept = [n for n in range(1000) if (n.to_bytes(4, "big") in seen)]
        assert 50 <= len(kept) <= 100
        assert kept[-50:] == list(range(950, 1000))

    asyncio.run(story())
