"""The OpenAI client through the gateway: two releases, a thumbs-down, a rollback. It needs no key.

Run it: `python examples/openai_through_gateway.py`. The application is steered without being changed: it asks for the
route `support`, and a policy decides which release answers.
"""

from __future__ import annotations

import os
import time
from typing import Any

import openai
import requests
from local import arrived, fake_model, homeostat_server


def steer(base: str) -> None:
    """Two releases; four of five users get the first."""
    for name, prompt in (("careful", "Answer in one sentence. {{shop}}"), ("chatty", "Answer at length. {{shop}}")):
        body: dict[str, Any] = {"name": name, "model": "tiny-1", "system": prompt, "parameters": {"temperature": 0.2}}
        requests.post(f"{base}/api/v1/releases", json=body, timeout=60).raise_for_status()
    policy: dict[str, Any] = {"shares": {"careful": 80, "chatty": 20}, "version": 0}
    requests.put(f"{base}/api/v1/policies/support", json=policy, timeout=60).raise_for_status()
    time.sleep(1)  # a change counts within a second


def ask(client: openai.OpenAI, user: str) -> tuple[str, str]:
    """The release that answered, and the id of the exchange."""
    answer = client.chat.completions.with_raw_response.create(
        model="support",
        messages=[{"role": "user", "content": "Can I return it?"}],
        user=user,
        extra_body={"homeostat": {"variables": {"shop": "You work for a shoe shop."}}},
    )
    return answer.headers["x-homeostat-release"], answer.headers["x-homeostat-exchange-id"]


def main() -> None:
    with fake_model() as model:
        os.environ |= {"HOMEOSTAT_UPSTREAM": model}
        with homeostat_server(own=True) as base:
            steer(base)
            client = openai.OpenAI(base_url=f"{base}/v1", api_key="sk-none")
            users = [f"user-{number}" for number in range(40)]
            served = {user: ask(client, user) for user in users}
            unhappy, exchange = next((user, id) for user, (release, id) in served.items() if release == "chatty")
            print(f"chatty answered {sum(release == 'chatty' for release, _ in served.values())} of {len(users)} users")

            signal: dict[str, Any] = {"name": "thumbs", "value": -1, "exchange_id": exchange}
            requests.post(f"{base}/api/v1/signals", json=signal, timeout=60).raise_for_status()
            requests.post(f"{base}/api/v1/policies/support/rollback", json={}, timeout=60).raise_for_status()
            time.sleep(1)
            print(f"{unhappy} is unhappy; after the rollback {ask(client, unhappy)[0]} answers them")

            (item,) = arrived(base, 1, "&signal.thumbs.exists=true")
            print(f"thumbs down: {item['release']}, {item['input']} -> {item['output']}")


if __name__ == "__main__":
    main()
