"""Which instrumentors are used, and that a broken one harms nobody."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import EntryPoint

import homeostat
from homeostat.sdk.instruments import known
from homeostat.sdk.runtime import Runtime
from tests.sdk.listener import Listener
from tests.sdk.model import modelling
from tests.sdk.test_process import run

GROUP = "opentelemetry_instrumentor"


def points(**values: str) -> list[EntryPoint]:
    return [EntryPoint(name, f"{value}:Instrumentor", GROUP) for name, value in values.items()]


def test_one_for_each_library_the_best_first_and_none_that_tells_no_calls_to_models() -> None:
    found = known.found(points(
        a="opentelemetry.instrumentation.openai", b="openinference.instrumentation.openai",
        c="opentelemetry.instrumentation.genai.openai", d="opentelemetry.instrumentation.openai_v2",
        e="opentelemetry.instrumentation.flask", f="opentelemetry.instrumentation.psycopg2",
        g="opentelemetry.instrumentation.anthropic", h="openinference.instrumentation.llama_index",
        i="opentelemetry.instrumentation.llamaindex", j="somebody.else", k="opentelemetry.instrumentation.httpx",
    ))  # fmt: skip
    assert {library: point.name for library, point in found.items()} == {
        "openai": "c",
        "anthropic": "g",
        "llama_index": "h",
    }


def test_installed_ones_are_switched_on_and_ours_fill_the_gaps(listener: Listener) -> None:
    with modelling() as model:
        done = run(
            f"""
            import homeostat, openai, anthropic
            homeostat.init()
            on = homeostat.instrument()
            assert on == homeostat.instrument() == ["anthropic", "langchain", "openai"], on
            url, messages = {model.url!r}, [dict(role="user", content="How long?")]
            openai.OpenAI(base_url=url + "/v1", api_key="x").chat.completions.create(model="gpt-4o", messages=messages)
            claude = anthropic.Anthropic(base_url=url, api_key="x")
            claude.messages.create(model="claude-x", max_tokens=9, messages=messages)
            """,
            listener.url,
        )
    assert (done.returncode, done.stderr) == (0, "")
    names = {span.name for span in listener.spans} - {"anthropic.messages.create"}  # its client tells some by itself
    assert names == {"ChatCompletion", "chat claude-x"}
    assert [span.name for span in listener.ours] == ["chat claude-x"]


def test_an_instrumentor_that_does_not_start_costs_nothing(listener: Listener) -> None:
    done = run(
        """
        import homeostat
        from importlib.metadata import EntryPoint
        from homeostat.sdk.instruments import known
        broken = EntryPoint("openai", "openinference.instrumentation.nothing_here:Instrumentor", "g")
        known.entry_points = lambda group: [broken]
        homeostat.init()
        assert homeostat.instrument() == ["anthropic", "openai"]
        assert homeostat.instrument(only=["anthropic"]) == ["anthropic"]
        """,
        listener.url,
    )
    assert done.returncode == 0, done.stderr
    assert "the instrumentor of nothing_here does not start" in done.stderr


def test_pools_take_the_context_along(listener: Listener, sdk: Runtime) -> None:
    done = run(
        """
        import homeostat
        from concurrent.futures import ThreadPoolExecutor
        homeostat.init()
        homeostat.instrument(only=[])
        tool = homeostat.observe(name="tool")(lambda number: number)
        with ThreadPoolExecutor(4) as pool:
            with homeostat.context(user_id="anna"), homeostat.exchange("answer"):
                assert list(pool.map(tool, range(20))) == list(range(20))
        """,
        listener.url,
    )
    assert (done.returncode, done.stderr) == (0, "")
    answer = listener.span("answer")
    tools = [span for span in listener.spans if span.name == "tool"]
    assert len(tools) == 20
    assert {span.parent_span_id for span in tools} == {answer.span_id}


def test_without_init_nothing_is_patched() -> None:
    from homeostat.sdk import state

    before, submit = state.runtime, ThreadPoolExecutor.submit
    state.runtime = None
    try:
        assert homeostat.instrument() == []
    finally:
        state.runtime = before
    assert ThreadPoolExecutor.submit is submit
