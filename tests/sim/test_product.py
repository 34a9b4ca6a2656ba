"""How the world speaks to the product: what can be said twice is said again when the server is away for a moment."""

from __future__ import annotations

import httpx2
import pytest

from homeostat.sim import product
from homeostat.sim.product import Product, Refused


def speaking(statuses: list[int], said: list[str]) -> Product:
    def answer(request: httpx2.Request) -> httpx2.Response:
        said.append(request.url.path)
        return httpx2.Response(statuses[min(len(said), len(statuses)) - 1], json={})

    return Product(httpx2.Client(base_url="http://world", transport=httpx2.MockTransport(answer)))


def test_a_server_that_is_away_for_a_moment_hears_it_again() -> None:
    said: list[str] = []
    speaking([503, 503, 200], said).advance(10**18)
    assert said == ["/api/v1/clock"] * 3


def test_what_is_refused_is_not_said_again() -> None:
    said: list[str] = []
    with pytest.raises(Refused, match="POST /api/v1/signals: 400"):
        speaking([400], said).signal([{"name": "thumbs"}])
    assert len(said) == 1


def test_a_server_that_stays_away_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(product, "_AWAY", 0.0)
    with pytest.raises(Refused, match="503"):
        speaking([503], []).advance(10**18)


def test_a_route_that_does_not_exist_yet_is_no_error() -> None:
    one = speaking([404], [])
    assert one.items("/api/v1/incidents") is None and one.get("/api/v1/drift") is None
    assert one.have("/api/v1/scorers", {"name": "x"}) is False
