"""A client through the gateway, two releases, a thumbs-down, a rollback; with and without a core."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import openai
import pytest

from tests.gateway.fake import Fake
from tests.live.harness import Server
from tests.live.test_rollback import by_the_core, command, obeyed, obeys, put, without_core

pytestmark = pytest.mark.live


def ask(client: openai.OpenAI, user: str) -> tuple[str, str]:
    """The release that served, and the exchange's id."""
    raw = client.chat.completions.with_raw_response.create(
        model="gpt-any", messages=[{"role": "user", "content": "Where is my order?"}], user=user
    )
    assert (raw.parse().choices[0].message.content or "").startswith("The quick")
    return raw.headers["x-homeostat-release"], raw.headers["x-homeostat-exchange-id"]


def first_of(client: openai.OpenAI, release: str) -> tuple[str, str]:
    """A user whom this release serves, and their exchange."""
    for number in range(300):
        served, exchange = ask(client, f"user-{number}")
        if served == release:
            return f"user-{number}", exchange
    raise AssertionError(f"nobody gets {release}")


def one(server: Server, exchange: str) -> Any:
    server.drain()
    return server.json(f"/api/v1/exchanges/{exchange}")


def test_thumbs_down_rollback_and_the_next_request(tmp_path: Path) -> None:
    provider = Fake().start()

    def thumbs_down(server: Server) -> tuple[openai.OpenAI, str, str]:
        client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="sk-dummy")

        user, exchange = first_of(client, "B")
        assert ask(client, user)[0] == "B", "the same user, the same release"
        assert provider.seen[-1].json["model"] == "model-B"
        assert server.post("/api/v1/signals", {"name": "thumbs", "value": -1, "exchange_id": exchange})[0] == 202
        return client, user, exchange

    settings = {"upstream": provider.url, "upstream_key": "sk-provider"}
    with by_the_core(tmp_path, "thumbs down", thumbs_down, **settings) as (server, _, (client, user, exchange)):
        obeys(server, {"A": 1.0})
        assert ask(client, user)[0] == "A"
        assert provider.seen[-1].json["model"] == "model-A"

        told = one(server, exchange)
        assert (told["release"], told["user_id"], told["model"]) == ("B", user, "model-B-2026")
        assert [(signal["name"], signal["value"]) for signal in told["signals"]] == [("thumbs", -1.0)]
        assert (told["input"], told["error"]) == ("Where is my order?", None)

        # The same with the core away: calls are served and kept, the rollback counts at once.
        assert put(server, {"A": 90, "B": 10}, 2)[0] == 200
        obeys(server, {"A": 0.9, "B": 0.1})
        with without_core(server):
            user, exchange = first_of(client, "B")
            assert server.post("/api/v1/signals", {"name": "thumbs", "value": -1, "exchange_id": exchange})[0] == 202
            assert command(server, "rollback")["override"] is True
            assert obeyed(server) == {"A": 1.0}
            assert ask(client, user)[0] == "A"
        server.wait_ready()
        told = one(server, exchange)
        assert (told["release"], [signal["value"] for signal in told["signals"]]) == ("B", [-1.0])
        assert ask(client, user)[0] == "A"
    provider.stop()
