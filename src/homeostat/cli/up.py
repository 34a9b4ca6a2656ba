"""`homeostat up`: serve everything."""

from __future__ import annotations

import os
import socket
import sys
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from homeostat.cli.client import Refused
from homeostat.config import Settings
from homeostat.doors.guard import refuse_unsafe_bind
from homeostat.gateway import upstreams
from homeostat.loop import process
from homeostat.loop.supervisor import Child, Supervisor
from homeostat.store.folder import Folder, FolderRefused


def up(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port of everything.")] = None,
    data: Annotated[Path | None, typer.Option(help="The data directory.")] = None,
    role: Annotated[str | None, typer.Option(help="all, or some of ingest,gateway,worker,web.")] = None,
    config: Annotated[Path | None, typer.Option(help="A homeostat.toml.")] = None,
    clock: Annotated[str | None, typer.Option(help="live or world.")] = None,
) -> None:
    """Serve API and OTLP, and keep what arrives."""
    settings = read_settings(config, host=host, port=port, data=data, role=role, clock=clock)
    folder = Folder(settings.data.resolve())
    try:
        folder.prepare()
        lock = folder.hold("up")
        refuse_unsafe_bind(settings)
        upstreams.read(settings)
    except (FolderRefused, PermissionError, upstreams.BadUpstream) as error:
        raise Refused(str(error)) from error
    listener = listen(settings)
    settings = settings.model_copy(update={"port": listener.getsockname()[1], "data": folder.root})
    supervisor = Supervisor(children(settings, listener))
    _greet(settings)
    code = supervisor.run()
    lock.close()
    raise typer.Exit(code)


def read_settings(config: Path | None, **flags: object) -> Settings:
    """Flag > environment > file > default; what is wrong is said by name."""
    if config is not None:
        if not config.exists():
            raise Refused(f"{config} does not exist")
        Settings.model_config["toml_file"] = str(config)
    try:
        return Settings(**{name: value for name, value in flags.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        raise Refused(f"settings: {'; '.join(_problem(item) for item in error.errors())}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Refused(f"{Settings.model_config['toml_file']} is no TOML: {error}") from error
    except OSError as error:
        raise Refused(f"{error.filename} cannot be read: {error.strerror}") from error


def _problem(item: Mapping[str, Any]) -> str:
    """What is wrong with a setting, in words."""
    name = ".".join(map(str, item["loc"]))
    if item["type"] != "extra_forbidden":
        return f"{name}: {item['msg']}"
    near = get_close_matches(name, Settings.model_fields, 1)
    return f"there is no setting {name}" + (f"; {near[0]} is meant?" if near else "")


def listen(settings: Settings) -> socket.socket:
    """The listening socket. We hold it, so a restart of the edge refuses nobody: connections wait in its queue."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((settings.host, settings.port))
    except OSError as error:
        listener.close()
        raise Refused(
            f"{settings.host}:{settings.port} cannot be listened on ({error.strerror}). "
            "Another program has it? Choose another with --port."
        ) from error
    listener.listen(1024)
    return listener


def children(settings: Settings, listener: socket.socket) -> list[Child]:
    """Edge first: it starts fast, and it is the first to be told to stop."""
    env = {process.SETTINGS: settings.model_dump_json(), process.PARENT: str(os.getpid())}
    found = []
    roles = settings.roles
    if roles & {"ingest", "gateway", "web"}:
        command = [sys.executable, "-m", "homeostat.loop.serve_edge", str(listener.fileno())]
        found.append(Child("edge", command, env, files=(listener.fileno(),)))
    if roles & {"worker", "web"}:
        # Beside an edge it steps back: production calls wait for no analysis, and the machine's own work for neither.
        found.append(Child("core", [sys.executable, "-m", "homeostat.web.serve"], env, behind=bool(found)))
    return found


def _greet(settings: Settings) -> None:
    base = f"http://{settings.host}:{settings.port}"
    example = """-H 'content-type: application/json' -d '{"input": "Hi", "output": "Hello!"}'"""
    typer.echo(
        f"homeostat at {base}   data in {settings.data}\n\n"
        f"  OpenTelemetry   export OTEL_EXPORTER_OTLP_ENDPOINT={base}\n"
        f"  gateway         export OPENAI_BASE_URL={base}/v1\n"
        f"  plain JSON      curl {base}/api/v1/exchanges {example}\n"
        f"  look            homeostat tail    homeostat exchanges ls    homeostat doctor    {base}/api/docs\n"
    )
