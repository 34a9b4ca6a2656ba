"""What people type for actions and experiments."""

from __future__ import annotations

import pytest
import typer

from homeostat.cli.actions import _expects, _json
from homeostat.cli.experiments import _share
from homeostat.cli.notifiers import _escalation, _quiet
from homeostat.cli.policies import _copies


def test_an_expectation_as_it_is_typed() -> None:
    assert _expects("mean(score.relevance) up 0.05 by 24h") == {
        "measure": "mean(score.relevance)", "direction": "up", "at_least": 0.05, "by": "24h",
    }  # fmt: skip
    assert _expects("share(signal.thumbs=-1) down 0.1")["by"] == "24h"


@pytest.mark.parametrize("text", ["", "x", "x sideways 1", "x up much", "x up 1 until 24h"])
def test_what_is_no_expectation(text: str) -> None:
    with pytest.raises(typer.BadParameter):
        _expects(text)


def test_parameters_are_an_object() -> None:
    assert _json('{"route": "default"}') == {"route": "default"}
    for text in ("[1]", "{"):
        with pytest.raises(typer.BadParameter):
            _json(text)


def test_shares() -> None:
    assert (_share("A=50"), _share("a:b=0.5"), _share("B=10%")) == (("A", 50.0), ("a:b", 0.5), ("B", 10.0))
    for text in ("A", "A=", "=5", "A=x", "A=0", "A=-1"):
        with pytest.raises(typer.BadParameter):
            _share(text)


def test_a_shadow_as_the_documentation_types_it() -> None:
    assert [_copies(text) for text in ("C", "C=5%", "C=0.05", "C=100%")] == [
        {"release": "C", "share": share} for share in (1.0, 0.05, 0.05, 1.0)
    ]
    for text in ("=5%", "C=5", "C=x", "C=0%", "C=101%"):
        with pytest.raises(typer.BadParameter):
            _copies(text)


def test_rules_of_a_channel_go_off() -> None:
    assert _quiet("22:00-07:00@Europe/Berlin") == {"since": "22:00", "until": "07:00", "zone": "Europe/Berlin"}
    assert _quiet("off") is None
    assert _escalation("boss@15") == {"escalate_to": "boss", "escalate_after": 15.0}
    assert _escalation("off") == {"escalate_to": "", "escalate_after": 0}
