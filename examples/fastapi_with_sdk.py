"""A FastAPI application watched by three lines. Run it: `python examples/fastapi_with_sdk.py` (needs no key)."""

from __future__ import annotations

import threading
import time
from collections.abc import AsyncIterator

import fastapi
import httpx2
import uvicorn
from fastapi.responses import StreamingResponse
from local import RUN, answer_to, arrived, homeostat_server

import homeostat

app = fastapi.FastAPI()


@homeostat.observe(kind="retriever")
def look_up(question: str) -> list[str]:
    """Where an application would ask its knowledge base."""
    return ["Returns: 30 days, any reason.", "Shipping: two days."]


@homeostat.observe(name="answer")
async def answer(question: str) -> AsyncIterator[str]:
    """The answer word by word; the time to the first one is told."""
    look_up(question)
    for word in answer_to(question).split():
        yield word + " "


@app.post("/ask")
async def ask(question: str, user: str, session: str) -> StreamingResponse:
    with homeostat.context(user_id=user, session_id=session), homeostat.exchange("chat", input=question) as ex:
        stream = [part async for part in answer(question)]
        ex.output = "".join(stream).strip()
    return StreamingResponse(iter(stream), headers={"x-exchange": ex.id})


@app.post("/thumbs")
def thumbs(exchange: str, value: int) -> None:
    homeostat.signal("thumbs", value, exchange=exchange)


def main() -> None:
    with homeostat_server() as url:
        monitor = homeostat.init(url, service="shop")
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
        threading.Thread(target=server.run, daemon=True).start()
        while not server.started:
            time.sleep(0.05)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            for user, question, value in (("anna", "Can I return it?", 1), ("ben", "Is it vegan?", -1)):
                said = client.post("/ask", params={"question": question, "user": user, "session": f"{RUN}-{user}"})
                print(f"{user}: {question} -> {said.text}")
                client.post("/thumbs", params={"exchange": said.headers["x-exchange"], "value": value})
        monitor.flush()
        arrived(url, 2, f"&session={RUN}-anna&session={RUN}-ben&signal.thumbs.exists=true")
        for row in homeostat.Client(url).exchanges(where=f"signal.thumbs < 0 and session = '{RUN}-ben'"):
            print(f"thumbs down from {row['user_id']}: {row['input']} -> {row['output']}")
        server.should_exit = True


if __name__ == "__main__":
    main()
