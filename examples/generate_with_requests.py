"""A plain script that posts to /generate. Run it: `python examples/generate_with_requests.py` (needs no key)."""

from __future__ import annotations

import os
from typing import Any

import requests
from local import arrived, fake_model, homeostat_server


def ask(base: str, prompt: str) -> str:
    """What such a script does, whoever wrote it."""
    body: dict[str, Any] = {
        "prompt": prompt,
        "temperature": 0.7,
        "max_tokens": 100,
        "system_message": "You are a helpful assistant.",
    }
    answer = requests.post(f"{base}/generate", json=body, timeout=60)
    answer.raise_for_status()
    return str(answer.json()["generated_text"])


def main() -> None:
    with fake_model() as model:
        os.environ |= {"HOMEOSTAT_UPSTREAM": model, "HOMEOSTAT_UPSTREAM_MODEL": "tiny-1"}
        with homeostat_server(own=True) as base:
            for prompt in ("Can I return my shoes?", "Do you ship to Norway?", "Who won?"):
                print(f"{prompt} -> {ask(base, prompt)}")
            for item in arrived(base, 3):
                print(f"kept: {item['input']} -> {item['output']} ({item['model']}, {item['latency_ms']:.1f} ms)")


if __name__ == "__main__":
    main()
