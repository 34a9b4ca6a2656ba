"""What leaves the process: bounded, counted, retried, clean of what must not leave, sampled by session."""

from __future__ import annotations

import json
import logging
import random
import threading
import time
from itertools import pairwise

import pytest
from opentelemetry import trace

import homeostat
from homeostat.sdk.processor import kept
from homeostat.sdk.runtime import Runtime
from tests.loop.serving import until
from tests.sdk.conftest import Start
from tests.sdk.listener import Listener, attributes


def test_everything_is_counted_whatever_happens_to_it(listener: Listener, start: Start) -> None:
    """produced = delivered + dropped + waiting, and what was delivered is what came."""
    runtime = start(listener.url, queue_items=400)
    rng = random.Random(5)
    stop = threading.Event()

    def trouble() -> None:
        while not stop.wait(0.03):
            listener.status = rng.choice((200, 200, 503, 429, 500, 400, 413))

    troubles = threading.Thread(target=trouble)
    troubles.start()

    @homeostat.observe
    def work(number: int) -> None: ...

    def many() -> None:
        for number in range(1500):
            work(number)
            if number % 50 == 0:
                homeostat.signal("thumbs", 1, user_id="anna")
                time.sleep(0.01)
            counts = runtime.counts()
            assert counts.produced == counts.delivered + sum(counts.dropped.values()) + counts.waiting

    threads = [threading.Thread(target=many) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    stop.set()
    troubles.join()
    listener.status = 200
    assert runtime.flush(60)
    counts = runtime.counts()
    assert counts.produced == 3 * (1500 + 30)
    assert counts.waiting == 0
    assert counts.delivered == len(listener.spans) + len(listener.facts)
    assert counts.delivered + sum(counts.dropped.values()) == counts.produced
    assert len({span.span_id for span in listener.spans}) == len(listener.spans)


def test_bytes_are_bounded_too(start: Start) -> None:
    runtime = start("http://127.0.0.1:9", queue_bytes=1_000_000)
    answer = homeostat.observe(lambda text: None)
    for _ in range(20):
        answer("x" * 100_000)
    counts = runtime.counts()
    assert (counts.waiting, counts.dropped) == (9, {"full": 11})


def test_a_server_that_asks_for_patience_gets_it(listener: Listener, sdk: Runtime) -> None:
    listener.status, listener.headers = 503, {"retry-after": "1"}
    homeostat.observe(lambda: None)()
    until(lambda: listener.answers)
    listener.status = 200
    listener.span("<lambda>")
    assert [said for _, said in listener.answers[:1] + listener.answers[-1:]] == [503, 200]
    assert all(later - earlier >= 1 for (earlier, _), (later, _) in pairwise(listener.answers))


def test_what_is_wrong_is_dropped_alone_and_said_once(
    listener: Listener, sdk: Runtime, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "homeostat"):
        for number in range(8):
            homeostat.observe(name=f"n{number}")(lambda: None)()
        unencodable = trace.get_tracer_provider().get_tracer("other").start_span("bad")  # type: ignore[attr-defined]
        unencodable._name = object()
        unencodable.end()
        assert sdk.flush(60)
    assert sorted(span.name for span in listener.spans) == [f"n{number}" for number in range(8)]
    assert sdk.counts().dropped == {"refused": 1}
    assert len(caplog.records) == 1


def test_the_key_goes_with_every_request(listener: Listener, start: Start) -> None:
    runtime = start(listener.url, key="hs_public_key")
    homeostat.observe(lambda: None)()
    homeostat.score("relevance", 0.5, trace_id="0" * 31 + "1", reason="why", scorer="s", rung="human")
    assert runtime.flush(60)
    assert {headers["authorization"] for _, headers in listener.requests} == {"Bearer hs_public_key"}
    ((path, fact),) = listener.facts
    assert path == "scores"
    assert (fact["value"], fact["rung"], fact["source"]) == (0.5, "human", "sdk")


def test_texts_leave_as_chosen(listener: Listener, start: Start) -> None:
    secret = "Mail anna@example.org, key sk-abcdefghij0123456789XYZ"

    @homeostat.observe
    def answer(question: str) -> str:
        span = trace.get_current_span()
        span.set_attribute("gen_ai.prompt.0.content", question)
        span.set_attribute("plan", "premium")
        span.add_event("gen_ai.user.message", {"content": question})
        homeostat.signal("thumbs", 1, comment=question)
        raise ValueError(question)

    for mode in ("full", "redacted", "off"):
        listener.spans.clear()
        listener.facts.clear()
        runtime = start(listener.url, capture=mode)
        with pytest.raises(ValueError, match="anna"):
            answer(secret)
        assert runtime.flush(60)
        (span,) = listener.spans
        everything = str(span) + json.dumps(listener.facts)
        assert ("anna@example.org" in everything, "sk-abc" in everything) == (mode == "full",) * 2
        assert ("[email]" in everything) == (mode == "redacted")
        told = attributes(span)
        assert told["plan"] == "premium"
        assert ("input.value" in told, "gen_ai.prompt.0.content" in told) == (mode != "off",) * 2
        assert span.status.code == 2
        assert len(listener.facts) == 1


def test_a_redactor_of_ones_own_and_what_it_cannot_clean_stays_here(listener: Listener, start: Start) -> None:
    def redact(text: str) -> str:
        if "explode" in text:
            raise RuntimeError(text)
        return text.replace("Falcon", "[project]")

    runtime = start(listener.url, redact=redact, capture="redacted")

    @homeostat.observe(name="answer", plan="premium")
    def answer(question: str) -> str:
        return "explode Falcon"

    answer("Falcon of anna@example.org")
    assert runtime.flush(60)
    told = listener.named("answer")
    assert told["input.value"] == "[project] of [email]"
    assert "output.value" not in told
    assert told["plan"] == "premium"


def test_sampling_keeps_whole_sessions_the_same_in_every_process(listener: Listener, start: Start) -> None:
    runtime = start(listener.url, sample=0.3, queue_items=10_000)
    tool = homeostat.observe(name="tool")(lambda: None)
    for session in range(300):
        for _ in range(2):
            with homeostat.context(session_id=f"s{session}"), homeostat.exchange("answer"):
                tool()
    assert runtime.flush(60)
    by_session: dict[str, int] = {}
    for span in listener.spans:
        session_id = attributes(span)["session.id"]
        by_session[session_id] = by_session.get(session_id, 0) + 1
    assert set(by_session.values()) == {4}
    expected = {f"s{number}" for number in range(300) if kept({"session.id": f"s{number}"}, 0, 0.3)}
    assert set(by_session) == expected
    assert 60 <= len(expected) <= 120
    assert runtime.counts().dropped == {"sampled": 1200 - len(listener.spans)}
    assert kept({"session.id": "s1"}, 1, 0.5) == kept({"session.id": "s1", "user.id": "x"}, 2, 0.5)
