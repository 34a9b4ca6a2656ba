"""What you chose: every setting in one table, one help line each.

A setting is read from, in this order: a flag of the command, the environment (`HOMEOSTAT_PORT`), the file
(`homeostat.toml`), its default.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

MIB = 1 << 20


class UpstreamSetting(BaseModel):
    """A provider beside the default one: `[upstreams.NAME]` in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str
    key: str = Field("", repr=False)
    key_env: str = ""
    """The environment variable that holds the key, so that the file need not."""
    kind: Literal["openai", "anthropic"] = "openai"


class ActionHook(BaseModel):
    """A pipeline of yours that actions may call: `[action_hooks.NAME]` in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    url: str
    key: str = Field("", repr=False)
    key_env: str = ""
    """The environment variable that holds the key, so that the file need not."""

    def token(self) -> str:
        """What is sent as its bearer."""
        return self.key or os.environ.get(self.key_env, "") if self.key_env else self.key


class JudgeSetting(ActionHook):
    """Another model that judges, where a jury names it: `[judges.NAME]` in the file."""

    model: str
    kind: Literal["openai", "anthropic"] = "openai"
    json_schema: bool = True
    usd_per_million_in: float = Field(0.0, ge=0)
    usd_per_million_out: float = Field(0.0, ge=0)


def _absolute(place: str) -> str:
    return str(Path(place).expanduser().absolute()) if place else ""


#: A path on this machine. A relative one begins where the server was started; the core works in another folder.
Place = Annotated[str, AfterValidator(_absolute)]


class Settings(BaseSettings):
    """Every setting of the server."""

    model_config = SettingsConfigDict(
        env_prefix="HOMEOSTAT_", toml_file="homeostat.toml", extra="forbid", frozen=True, hide_input_in_errors=True
    )

    # Where it listens
    host: str = Field("127.0.0.1", description="Address to listen on. Anything but loopback needs auth=required.")
    port: int = Field(4400, ge=0, le=65535, description="Port of everything: OTLP, API, gateway.")
    role: str = Field("all", description="Which roles this machine plays: all, or some of ingest,gateway,worker,web.")
    auth: Literal["auto", "required"] = Field(
        "auto", description="auto: no key needed while listening on loopback; required: always."
    )
    behind_proxy: bool = Field(
        False, description="A proxy in front ends TLS. Needed to listen on anything but loopback."
    )
    allowed_hosts: list[str] = Field(
        [], description="Host headers accepted besides loopback names and the listening address."
    )

    # Where it keeps things
    data: Path = Field(Path("homeostat-data"), description="The data directory.")
    warehouse: str = Field("", description="DSN of the facts engine; empty: embedded, in the data directory.")
    cluster: str = Field("", description="ClickHouse cluster name, when the warehouse is one.")
    ledger: str = Field(
        "", description="DSN of the ledger (postgresql+psycopg://...); empty: SQLite in the data directory."
    )
    clock: Literal["live", "world"] = Field(
        "live", description="Event clock: live, or world (set through POST /api/v1/clock; loopback only)."
    )

    # What it accepts
    body_limit: int = Field(20 * MIB, description="Largest request body after decompression, bytes.")
    inflight_limit: int = Field(64 * MIB, description="Bodies in flight at once, bytes; above it the answer is 503.")
    body_timeout: float = Field(30.0, description="Seconds a client may take to send its body.")
    text_limit: int = Field(
        10 * MIB, description="Longest prompt, answer or message kept whole, bytes; longer ones are cut and flagged."
    )
    attribute_limit: int = Field(64 * 1024, description="Longest other attribute kept whole, bytes.")

    # The spool
    spool_bytes: int = Field(0, description="Room of the spool, bytes; 0: min(20 GB, 20 % of the free disk).")
    spool_sync: Literal["disk", "os"] = Field(
        "disk", description="disk: accepted means synced; os: survives a killed process, not a power loss."
    )
    segment_bytes: int = Field(48 * MIB, description="A segment is handed to the loader at this size.")
    segment_seconds: float = Field(0.4, description="A segment is handed to the loader at this age, however small.")

    # The gateway
    upstream: str = Field(
        "", description="The provider that gateway calls go to, spelled as its clients do: https://api.openai.com/v1."
    )
    upstream_key: str = Field(
        "", repr=False, description="Its key, kept here; empty: the client's own key goes on to the upstream."
    )
    upstream_model: str = Field("", description="Model of POST /generate where neither release nor request names one.")
    upstreams: dict[str, UpstreamSetting] = Field(
        {}, repr=False, description="More providers by name, for releases to name: url, kind, and key or key_env."
    )
    gateway_deadline: float = Field(
        600.0, gt=0, description="Seconds a gateway call may take, retries and the whole answer included."
    )
    gateway_connect_timeout: float = Field(5.0, gt=0, description="Seconds a connection to an upstream may take.")
    gateway_retries: int = Field(
        2, ge=0, le=5, description="Times a call is tried again at its upstream, all within a tenth of the traffic."
    )
    gateway_retry_after: float = Field(
        10.0, ge=0, description="Longest Retry-After that the gateway waits for; a longer one goes to the client."
    )
    breaker_failures: int = Field(
        10, ge=1, description="Failures in a row after which an upstream is left alone for breaker_seconds."
    )
    breaker_seconds: float = Field(
        5.0, gt=0, description="Seconds until one call tries a failing upstream again; doubles up to a minute."
    )
    content: Literal["full", "redacted", "off"] = Field(
        "full", description="What the gateway keeps of prompts and answers: full, redacted, or off (figures only)."
    )

    # Steering
    good_share: float = Field(
        0.5, gt=0, le=1, description="A release that serves at least this share of a route can prove itself good."
    )
    good_hours: float = Field(
        24.0, gt=0, description="Hours it must serve it, without an open incident, until a rollback puts it back."
    )

    # How long it keeps things
    retention_days: int = Field(30, ge=1, description="Facts older than this are removed.")
    retention_bytes: int = Field(
        0, description="Facts beyond this size on disk are removed, oldest first; 0: no limit."
    )

    # Scoring
    scoring: bool = Field(True, description="Scorers judge what settles; false: only scores made elsewhere are kept.")
    scoring_cpu: float = Field(
        0.25, gt=0, le=8, description="Cores that scorers in Python may use; what exceeds them is sampled."
    )
    documents: Place = Field(
        "",
        description="Documents for answers that come without: a folder or file, {project} in it is the project's name.",
    )
    documents_allow: list[str] = Field(
        [], description="Hosts, addresses and networks of our own net that documents may be fetched from."
    )
    scorers_file: Place = Field(
        "", description="Scorers of your own (TOML): models in files, likeness by an embeddings endpoint."
    )
    judge_url: str = Field("", description="Endpoint of the model that judges: ends in /v1.")
    judge_model: str = Field("", description="The model that judges where a judge names none.")
    judge_key: str = Field("", repr=False, description="Its key: not production's, and with a limit of its own.")
    judge_kind: Literal["openai", "anthropic"] = Field("openai", description="The API that it speaks.")
    judge_schema: bool = Field(True, description="Ask it for JSON by a schema; false for endpoints that know none.")
    judge_timeout: float = Field(60.0, gt=0, description="Seconds that one judgement may take.")
    judge_concurrency: int = Field(4, ge=1, description="Judgements asked for at the same time.")
    judge_per_minute: int = Field(60, ge=0, description="Judgements a minute at most; 0: no limit.")
    judge_usd_per_day: float = Field(5.0, ge=0, description="What each judge may cost a day, USD; 0: no limit.")
    judge_closer: float = Field(
        4.0, ge=1, le=1000,
        description="Judges look at so many times their share while something may be wrong; 1: never closer.",
    )  # fmt: skip
    judge_usd_per_million_in: float = Field(0.0, ge=0, description="Price of its input tokens, USD a million.")
    judge_usd_per_million_out: float = Field(0.0, ge=0, description="Price of its output tokens, USD a million.")

    judges: dict[str, JudgeSetting] = Field(
        {}, description="Other endpoints that judge, by the name that a jury or a judge's model gives: `[judges.NAME]`."
    )

    # What it may do by itself, and with what
    alpha_rollback: float = Field(
        0.01, gt=0, le=0.2, description="Chance with which a healthy release may ever be rolled back automatically."
    )
    replay_questions: int = Field(
        20, ge=0, le=50,
        description="Failing questions, and as many of a dataset, that a draft is tried on by itself; 0: none.",
    )  # fmt: skip
    replay_usd_per_day: float = Field(1.0, gt=0, description="What such trials may cost a day and project, USD.")
    tuning_url: str = Field("", description="OpenAI-compatible fine-tuning API: ends in /v1.")
    tuning_key: str = Field("", repr=False, description="Its key.")
    action_hooks: dict[str, ActionHook] = Field(
        {}, description="Pipelines that actions may call, by name: `[action_hooks.NAME]` in the file."
    )

    # Watching
    watching: bool = Field(
        True, description="Monitors watch what comes in; false: nothing is watched and nothing done."
    )
    false_alarms_per_month: float = Field(
        2.0, gt=0, le=1000, description="False alarms a month that all monitors of a project may raise together."
    )

    # Telling people
    notify_allow: list[str] = Field(
        [], description="Hosts, addresses and networks of our own net that notifiers may reach; the open net they may."
    )
    heartbeat_url: str = Field(
        "", description="Called once a minute (GET) while the watch goes on: a service that hears nothing tells you."
    )
    public_url: str = Field("", description="Where people reach this server: for links in messages. Empty: no links.")

    # Questions
    readers: int = Field(3, ge=1, description="Questions answered at the same time.")
    question_seconds: float = Field(30.0, description="Longest time one question may take.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flag > environment > file > default."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def warehouse_dsn(self) -> str:
        return self.warehouse or f"chdb://{self.data.resolve()}/warehouse"

    @property
    def ledger_dsn(self) -> str:
        return self.ledger or f"sqlite:///{self.data.resolve()}/ledger.db"

    @property
    def roles(self) -> frozenset[str]:
        """What this machine does."""
        every = frozenset(("ingest", "gateway", "worker", "web"))
        return every if self.role == "all" else frozenset(self.role.split(",")) & every

    @property
    def loopback(self) -> bool:
        return self.host in ("127.0.0.1", "localhost", "::1")
