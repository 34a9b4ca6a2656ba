"""`homeostat doctor`: is everything alive?"""

from __future__ import annotations

from typing import Any, Final

import httpx2
import typer

from homeostat.cli import client, show
from homeostat.cli.show import AsJson

#: Seconds for each answer. The edge needs ten to see that the core hangs, and more on a busy machine.
_PATIENCE: Final = 30.0


def doctor(as_json: AsJson = False) -> None:
    """Say of each part whether it is alive, and how far behind the loader is. Exits 3 when something is not."""
    with client.connect(_PATIENCE) as connection:
        ready = connection.get("/readyz")
        edge: dict[str, Any] = ready.json() if ready.content else {}
        core = _core(connection)
    rows = lines(edge, core)
    if as_json:
        ok = all(row[1] != "dead" for row in rows)
        show.as_json({"ok": ok, "edge": edge, "core": core, "parts": [list(row) for row in rows]})
    else:
        show.table(("part", "state", "detail"), rows)
    if any(row[1] == "dead" for row in rows):
        raise typer.Exit(3)


def _core(connection: httpx2.Client) -> dict[str, Any] | None:
    try:
        answer = connection.get("/api/v1/status")
    except httpx2.TimeoutException:  # the edge has answered: what does not is the core
        return None
    if answer.status_code == 503:
        return None
    state: dict[str, Any] = client.checked(answer)
    return state


def lines(edge: dict[str, Any], core: dict[str, Any] | None) -> list[tuple[str, str, str]]:
    """(part, alive|watch|dead, detail) of everything."""
    spool = str(edge.get("spool", "broken"))
    rows = [
        ("edge", "alive", client.url()),
        ("spool", {"ok": "alive", "warn": "watch"}.get(spool, "dead"), str(edge.get("reason", "")) or spool),
    ]
    if core is None:
        rows.append(("core", "dead", "it does not answer; what arrives is kept in the spool"))
        return rows
    rows += [("core", "alive", f"up {core['uptime_seconds']:,.0f} s"), _loader(core["loader"])]
    for job in core["jobs"]:
        ago = job["last_seconds_ago"]
        told = job["error"] or ("not run yet" if ago is None else f"{ago:,.0f} s ago, took {job['took_seconds']} s")
        rows.append((f"job {job['name']}", "dead" if job["error"] else "alive", told))
    rows.append(("clock", "alive", f"{core['clock']['kind']}: {core['clock']['now']}"))
    for name, store in core.get("stores", {}).items():
        rows.append((name, "alive" if store.get("ok", True) else "dead", str(store.get("detail", ""))))
    return rows + _scoring(core) + _watching(core) + _set_aside(core)


def _scoring(core: dict[str, Any]) -> list[tuple[str, str, str]]:
    """The threads that score, the judges' endpoint, and scorers that fell silent while exchanges came."""
    told = core.get("scoring") or {}
    if told.get("off"):
        return [("scoring", "watch", "switched off: nothing is scored (setting scoring)")]
    rows = []
    for name, worker in told.items():
        if name in ("silent", "judge", "own", "documents"):
            continue
        ago = worker["last_seconds_ago"]
        said = worker["error"] or (f"{worker['scored']:,} exchanges" if ago is not None else "not run yet")
        rows.append((f"scoring {name}", "dead" if worker["error"] or not worker["alive"] else "alive", said))
    judge = told.get("judge") or {}
    if judge.get("configured"):
        rests = f", left alone for {judge['resting_seconds']:,.0f} s more" if judge["resting_seconds"] else ""
        said = f"{judge['calls']:,} calls, {judge['failed']:,} failed{rests}"
        said += (
            f": {judge['error']}" if judge["failing"] else f"; the last: {judge['error']}" if judge["failed"] else ""
        )
        rows.append(("judges", "watch" if judge["failing"] else "alive", said))
    for project, names in (judge.get("idle") or {}).items():
        rows += [(f"scorer {name}", "watch", f"no judge is configured for it in {project}") for name in names]
    for wrong in (told.get("own") or {}).get("wrong", ()):
        rows.append(("scorers_file", "watch", wrong))
    if wrong := (told.get("documents") or {}).get("error"):
        rows.append(("documents", "watch", wrong))
    for project, names in (told.get("silent") or {}).items():
        rows += [(f"scorer {name}", "watch", f"it has not scored for an hour in {project}") for name in names]
    return rows


def _watching(core: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Those who tick, diagnose, act and verify, and how telling people goes."""
    told = core.get("watching") or {}
    if told.get("off"):
        return [("watching", "watch", "switched off: nobody is told of anything (setting watching)")]
    rows = []
    for step in told.get("steps", ()):
        ago = step["last_seconds_ago"]
        said = step["error"] or (
            f"{ago:,.0f} s ago, took {step['took_seconds']} s" if ago is not None else "not run yet"
        )
        rows.append((f"watching {step['name']}", "dead" if step["error"] or not told["alive"] else "alive", said))
    rows += [(f"monitor {name}", "watch", why) for name, why in told.get("monitors_refused", {}).items()]
    for name, channel in told.get("telling", {}).items():
        waits = channel["oldest_seconds"] > 300
        said = f"{channel['kind']}, {channel['waiting']} waiting, {channel['dead']} given up"
        if channel["problem"]:
            said += f": {channel['problem']}"
        rows.append((f"notifier {name}", "watch" if waits or channel["dead"] or channel["problem"] else "alive", said))
    heart = told.get("heartbeat") or {}
    if heart.get("configured"):
        rows.append(("heartbeat", "watch" if heart["error"] else "alive", heart["error"] or f"{heart['sent']:,} sent"))
    return rows


def _set_aside(core: dict[str, Any]) -> list[tuple[str, str, str]]:
    """What was damaged, once: everything goes on, and somebody should know."""
    rows = []
    if core.get("ledger_damage"):
        rows.append(("ledger was damaged", "watch", str(core["ledger_damage"])))
    if core.get("keys_problem"):
        rows.append(("published keys", "watch", f"{core['keys_problem']}; the last good ones are obeyed"))
    kept = core.get("quarantine") or {}
    if kept.get("files"):
        told = f"{kept['files']} files, {kept['bytes']:,} bytes that nobody could read, kept as they came"
        rows.append(("quarantine", "watch", told))
    return rows


def _loader(loader: dict[str, Any]) -> tuple[str, str, str]:
    """Behind by more than ten seconds is worth a look; not alive, or failing, is dead."""
    told = loader["error"] or (
        f"{loader['behind_seconds']} s behind, {loader['segments_waiting']} segments waiting, "
        f"{loader['segments_loaded']} loaded"
    )
    if doubtful := loader.get("doubtful", 0):
        return "loader", "dead", f"{doubtful} segments cannot be read and wait; the log says why. {told}"
    if not loader["alive"] or loader["error"]:
        return "loader", "dead", told
    return "loader", "watch" if loader["behind_seconds"] > 10 else "alive", told
