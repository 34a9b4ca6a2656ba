"""`release` answers from memory what the policy says, also in forks, also when the server is away."""

from __future__ import annotations

import json
import threading
import time
from pathlib import Path
from typing import Any

import homeostat
from homeostat.records import policy as policies
from homeostat.records import release as releases
from homeostat.records.policy import Policy, assign, reshaped
from homeostat.records.release import Release
from homeostat.sdk.runtime import Runtime
from tests.sdk.conftest import Start
from tests.sdk.listener import Listener
from tests.sdk.test_process import run

SYSTEM = "You are {{shop}}'s assistant."


def document(version: int, **shares: float) -> dict[str, Any]:
    policy = Policy("chat", version, reshaped([], shares), pinned={"boss": "B"})
    example = {"role": "user", "content": "x"}
    made = [
        Release("A", "gpt-4o", system=SYSTEM, parameters={"temperature": 0.2}, examples=(example,)),
        Release("B", "gpt-4o-mini"),
    ]
    return {
        "version": version,
        "routes": {"chat": policies.as_json(policy)},
        "releases": {each.name: releases.as_json(each) for each in made},
    }


def until(name: str, **who: Any) -> None:
    """Ask until that release is the answer."""
    end = time.monotonic() + 120
    while homeostat.release("chat", **who).name != name:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_default_holds_until_the_document_is_here_and_nobody_waits(listener: Listener, sdk: Runtime) -> None:
    listener.publish(document(1, A=1.0))
    first = homeostat.release("chat", user_id="anna", default={"name": "mine", "model": "m", "system": "s"})
    assert (first.name, first.why, first.model) == ("mine", "default", "m")
    until("A", user_id="anna")
    assert homeostat.release("other", default="kept").name == "kept"
    assert homeostat.release("other").name == ""


def test_who_ends_soon_may_wait_for_the_policies(listener: Listener, sdk: Runtime) -> None:
    listener.publish(document(1, A=1.0))
    assert homeostat.init().steered(60)
    assert homeostat.release("chat", user_id="anna", default="mine").name == "A"


def test_waiting_for_policies_ends(start: Start) -> None:
    start("http://127.0.0.1:9")
    assert not homeostat.init().steered(0.2)
    assert homeostat.release("chat", default="mine").name == "mine"


def test_it_is_what_the_policy_assigns_and_has_what_it_needs(listener: Listener, sdk: Runtime) -> None:
    told = document(3, A=0.5, B=0.5)
    listener.publish(told)
    until("B", user_id="boss")
    policy = policies.from_json(told["routes"]["chat"])
    for number in range(200):
        user = f"user-{number}"
        assert homeostat.release("chat", user_id=user).name == assign(policy, user=user).release
    with homeostat.context(user_id="boss"):
        assert homeostat.release("chat").why == "pinned"
    served = next(r for n in range(50) if (r := homeostat.release("chat", user_id=str(n))).name == "A")
    assert served.render(shop="Acme") == "You are Acme's assistant."
    assert served.parameters == {"temperature": 0.2}
    assert served.messages("Hi", shop="Acme") == [
        {"role": "system", "content": "You are Acme's assistant."},
        {"role": "user", "content": "x"},
        {"role": "user", "content": "Hi"},
    ]


def test_the_exchange_is_told_to_be_the_releases_and_one_trace_gets_one(listener: Listener, sdk: Runtime) -> None:
    listener.publish(document(1, A=0.5, B=0.5))
    until("B", user_id="boss")
    with homeostat.exchange("answer"):
        assert len({homeostat.release("chat").name for _ in range(20)}) == 1
        name = homeostat.release("chat").name
    told = listener.named("answer")
    assert (told["homeostat.release"], told["homeostat.route"]) == (name, "chat")


def test_a_change_is_here_at_once_and_stays_when_the_server_goes(listener: Listener, sdk: Runtime) -> None:
    """Within a second: a question waits at the server all the time, and the change is its answer."""
    listener.publish(document(1, A=1.0))
    until("A", user_id="anna")
    with listener.changed:
        assert listener.changed.wait_for(lambda: listener.waiting == 1, 120)
        asked = listener.asked
    listener.publish(document(2, B=1.0))
    until("B", user_id="anna")
    assert listener.asked <= asked + 1
    listener.status = 503
    listener.publish(document(3, A=1.0))
    time.sleep(0.3)
    assert homeostat.release("chat", user_id="anna").name == "B"
    listener.status = 200
    until("A", user_id="anna")


def test_nonsense_changes_nothing(listener: Listener, sdk: Runtime) -> None:
    listener.publish(document(1, A=1.0))
    until("A", user_id="anna")
    listener.publish({"version": 2, "routes": {"chat": {"version": "x"}}, "releases": {}})
    time.sleep(0.2)
    assert homeostat.release("chat", user_id="anna").name == "A"


def test_a_file_answers_a_start_without_a_server(listener: Listener, start: Start, tmp_path: Path) -> None:
    cache = tmp_path / "routing.json"
    start(listener.url, cache=str(cache))
    listener.publish(document(1, A=1.0))
    until("A", user_id="anna")
    end = time.monotonic() + 120
    while not cache.exists():  # obeyed first, remembered then
        assert time.monotonic() < end
        time.sleep(0.01)
    assert cache.stat().st_mode & 0o777 == 0o600
    told = json.loads(cache.read_text())
    listener.status = 503
    start(listener.url, cache=str(cache))
    assert homeostat.release("chat", user_id="anna").name == "A"
    cache.write_text(json.dumps({**told, "url": "http://elsewhere"}))
    start(listener.url, cache=str(cache))
    assert homeostat.release("chat", user_id="anna").name == ""
    cache.write_text("{")
    start(listener.url, cache=str(cache))
    assert homeostat.release("chat", user_id="anna").name == ""


def test_a_forked_worker_follows_the_policy_itself(listener: Listener, tmp_path: Path) -> None:
    listener.publish(document(1, A=1.0))
    forked = tmp_path / "forked"

    def then() -> None:
        end = time.monotonic() + 120
        while not forked.exists() and time.monotonic() < end:
            time.sleep(0.01)
        listener.publish(document(2, B=1.0))

    thread = threading.Thread(target=then)
    thread.start()
    done = run(
        f"""
        import os, pathlib, sys, time, homeostat
        homeostat.init()

        def until(name):
            end = time.monotonic() + 120
            while homeostat.release("chat", user_id="anna").name != name:
                assert time.monotonic() < end
                time.sleep(0.01)

        until("A")
        pid = os.fork()
        if pid == 0:
            assert homeostat.release("chat", user_id="anna").name == "A"
            pathlib.Path({str(forked)!r}).touch()
            until("B")
            sys.exit(0)
        assert os.waitpid(pid, 0)[1] == 0
        """,
        listener.url,
    )
    thread.join()
    assert (done.returncode, done.stderr) == (0, "")
