"""What a judge's endpoint may do to us: late, busy, refusing, cut off, garbage. None of it is ever a verdict."""

from __future__ import annotations

import asyncio
import json
import math
import time
from typing import Any

import pytest

from homeostat.analyze.judges import Judge
from homeostat.analyze.judges.endpoint import Caller, Endpoint, NoReply, Reply
from homeostat.analyze.judges.prompt import Prompt
from homeostat.analyze.scorers.case import Case, Scored, Unscored
from tests.analyze.judges.serving import completion, fence_of, listening, slow, verdict, well

CASE = Case("Thirty days from delivery.", "How long can I return it?", ("Returns within 30 days.",))


def prompt_of(judge: Judge, case: Case = CASE) -> Prompt:
    prompt = judge.begin(case, secret=b"s")
    assert isinstance(prompt, Prompt)
    return prompt


def ask(url: str, judge: Judge | None = None, *, times: int = 1, **settings: Any) -> list[Reply | NoReply]:
    chosen = judge or Judge("groundedness")

    async def asked() -> list[Reply | NoReply]:
        caller = Caller(Endpoint(url, "judge-1", **{"timeout": 5.0, **settings}))
        try:
            return await asyncio.gather(*(caller.ask(prompt_of(chosen), model=chosen.model) for _ in range(times)))
        finally:
            await caller.close()

    return asyncio.run(asked())


def test_a_verdict_comes_with_what_it_cost() -> None:
    with listening(well) as endpoint:
        [reply] = ask(endpoint.url, key="k", usd_per_million_in=2.0, usd_per_million_out=10.0)
        assert isinstance(reply, Reply)
        assert (reply.input_tokens, reply.output_tokens) == (1000, 100)
        assert reply.usd == pytest.approx(0.003)
        assert endpoint.headers[0]["authorization"] == "Bearer k"
        assert endpoint.headers[0]["x-homeostat-purpose"] == "judge"
        assert endpoint.headers[0]["traceparent"].startswith("00-")
        [body] = endpoint.asked
        assert "tools" not in body and body["temperature"] == 0
        assert body["response_format"]["json_schema"]["strict"] is True
        said = Judge("groundedness").end(reply.text, prompt_of(Judge("groundedness")))
        assert isinstance(said, Scored) and said.value == 1.0


def test_a_busy_endpoint_is_asked_again_after_the_time_it_says() -> None:
    with listening(
        lambda body, number: (429, {}, {"retry-after": "1"}) if number == 1 else well(body, number)
    ) as there:
        begun = time.monotonic()
        [reply] = ask(there.url)
        assert isinstance(reply, Reply) and len(there.asked) == 2
        assert time.monotonic() - begun >= 1.0


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_it_is_asked_three_times_and_no_more(status: int) -> None:
    with listening(lambda body, number: (status, {}, {})) as there:
        [reply] = ask(there.url)
        assert isinstance(reply, NoReply) and reply.calls == 3 == len(there.asked)
        assert str(status) in reply.why


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_what_asking_again_cannot_help_is_asked_once(status: int) -> None:
    with listening(lambda body, number: (status, {"error": {"message": "no"}}, {})) as there:
        [reply] = ask(there.url)
        assert isinstance(reply, NoReply) and len(there.asked) == 1


def test_it_does_not_wait_for_ever() -> None:
    with listening(slow(3)) as there:
        [reply] = ask(there.url, timeout=0.3)
        assert isinstance(reply, NoReply) and reply.why == "the judge did not answer in time"


def test_nobody_listens() -> None:
    [reply] = ask("http://127.0.0.1:9/v1")
    assert isinstance(reply, NoReply) and "cannot be reached" in reply.why


def test_a_redirect_is_not_followed() -> None:
    away = {"location": ""}
    with listening(well) as other, listening(lambda body, number: (307, {}, away)) as there:
        away["location"] = f"{other.url}/chat/completions"
        [reply] = ask(there.url)
        assert isinstance(reply, NoReply) and other.asked == []


BAD = {
    "refusal": completion(None, refusal="I cannot judge that."),
    "content filter": completion("x", finish="content_filter"),
    "cut off": completion('{"check": "', finish="length"),
    "empty": completion(""),
    "blank": completion("  \n"),
    "no content": completion(None),
    "wants a tool": completion("x", tool_calls=[{"id": "1", "function": {"name": "f", "arguments": "{}"}}]),
    "no choices": (200, {"choices": []}, {}),
    "not an object": (200, [1, 2], {}),
    "null": (200, None, {}),
    "html": (200, b"<html>502</html>", {}),
    "half JSON": (200, b'{"choices": [{"mess', {}),
    "nested": (200, b"[" * 50_000, {}),
    "NaN": (200, b'{"choices": [{"message": {"content": NaN}}]}', {}),
    "too long": (200, b'{"x": "' + b"a" * 1_200_000 + b'"}', {}),
    "error inside": (200, {"error": {"message": "overloaded"}}, {}),
}


@pytest.mark.parametrize("shape", BAD)
def test_no_answer_is_never_a_verdict(shape: str) -> None:
    with listening(lambda body, number: BAD[shape]) as there:
        [reply] = ask(there.url)
        assert isinstance(reply, NoReply) and reply.why


def test_so_many_at_once_and_no_more() -> None:
    with listening(slow(0.05)) as there:
        replies = ask(there.url, times=12, concurrency=3)
        assert all(isinstance(reply, Reply) for reply in replies)
        assert there.most_at_once <= 3


def test_log_probabilities_tell_how_sure_it_was() -> None:
    def answer(body: Any, number: int) -> Any:
        status, said, headers = completion(verdict(body))
        said["choices"][0]["logprobs"] = {"content": [
            {"token": '{"', "top_logprobs": []}, {"token": 'verdict', "top_logprobs": []},
            {"token": '":"', "top_logprobs": []},
            {"token": "NO", "top_logprobs": [{"token": "NO", "logprob": math.log(0.6)},
                                             {"token": "YES", "logprob": math.log(0.2)}]},
        ]}  # fmt: skip
        return status, said, headers

    judge = Judge("groundedness", form="yes_no")
    with listening(answer) as there:
        [reply] = ask(there.url, judge)
        assert isinstance(reply, Reply) and reply.chance == pytest.approx(0.75)
        assert there.asked[0]["logprobs"] is True
        said = judge.end(reply.text, prompt_of(judge), chance=reply.chance)
        assert isinstance(said, Scored) and (said.value, said.label) == (0.75, "good")


def test_anthropic_is_asked_in_its_own_words() -> None:
    def answer(body: Any, number: int) -> Any:
        content, usage = [{"type": "text", "text": verdict(body)}], {"input_tokens": 7, "output_tokens": 3}
        stop = "end_turn" if number == 1 else "max_tokens"
        said = {"type": "message", "model": "c", "stop_reason": stop, "content": content, "usage": usage}
        return 200, said, {}

    with listening(answer) as there:
        first, second = ask(there.url, kind="anthropic", key="k")[0], ask(there.url, kind="anthropic", key="k")[0]
        assert isinstance(first, Reply) and (first.input_tokens, first.output_tokens) == (7, 3)
        assert isinstance(second, NoReply) and second.why == "the judge's answer was cut off"
        assert there.paths[0] == "/v1/messages" and there.headers[0]["x-api-key"] == "k"
        assert there.asked[0]["system"] and fence_of(there.asked[0])


def test_users_write_their_own_prompts() -> None:
    mine = Judge("tone", task="Judge whether it sounds like us.", fault="Does it sound cold?", extra="We are a bakery.")
    with listening(well) as there:
        [reply] = ask(there.url, mine)
        system = there.asked[0]["messages"][0]["content"]
        assert "sounds like us" in system and "bakery" in system and "never an instruction" in system
        assert isinstance(reply, Reply)
        said = mine.end(reply.text, prompt_of(mine))
        assert isinstance(said, Scored)
    assert mine.version != Judge("tone", task="Judge whether it sounds like them.", fault="Does it sound cold?").version
    with pytest.raises(ValueError, match="no rubric of ours"):
        Judge("tone")


def test_what_a_text_cannot_be_judged_by_is_said() -> None:
    said = Judge("groundedness").begin(Case("It takes thirty days.", "How long?"), secret=b"s")
    assert isinstance(said, Unscored) and said.reason == "there is no document to judge it by"
    assert json.dumps(prompt_of(Judge("relevance")).schema)
