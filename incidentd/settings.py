"""incidentd.yaml, the part that sets up the process -> Settings."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from incidentd.duration import Duration
from incidentd.severity import Severity

_FILE_TWIN = "_file"


def shipped(name: str) -> Path:
    """The folder of ``rules``, ``runbooks`` or ``templates`` that came with this installation."""
    package = Path(__file__).parent
    installed = package / "shipped" / name
    return installed if installed.is_dir() else package.parent / name


class Section(BaseModel):
    """A part of the configuration: frozen, no unknown keys, every secret may come from a file named ``<key>_file``."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    @field_validator("*")
    @classmethod
    def _refuse_empty_secrets(cls, value: Any) -> Any:
        """An empty variable would otherwise be a password that everybody knows."""
        if isinstance(value, SecretStr) and not value.get_secret_value().strip():
            raise ValueError("this secret is empty; give it a value, or leave the key out")
        return value

    @model_validator(mode="before")
    @classmethod
    def _read_secret_files(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        values = dict(data)
        for name, field in cls.model_fields.items():
            twin = name + _FILE_TWIN
            if twin not in values or "SecretStr" not in repr(field.annotation):
                continue
            if values.get(name) is not None:
                raise ValueError(f"{name} and {twin} are both given; keep one of them")
            values[name] = _secret_from(Path(str(values.pop(twin))), twin)
        return values


def _secret_from(path: Path, key: str) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as exc:
        raise ValueError(f"{key}: {path} cannot be read: {exc.strerror}; create it, or correct the path") from exc


def _http_url(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"{url!r} is not a URL; begin it with http:// or https://")
    parts = urlsplit(url)  # raises ValueError by itself for a broken IPv6 address
    if not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{url!r} needs a host, and neither ? nor #")
    return url.rstrip("/")


_PACK = 50
"""Measured: see docs/configuration.md, packs."""


def _pack_size(value: Any) -> Any:
    """``false`` and 0 say in other words that a query holds one question, ``true`` that the default is wanted."""
    return _PACK if value is True else 1 if value in (False, 0) else value


def _longer_than_nothing(value: timedelta) -> timedelta:
    if value <= timedelta():
        raise ValueError("it must be longer than nothing")
    return value


def _listen_address(text: str) -> str:
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004 - the largest port
        raise ValueError(f"{text!r} is not an address to listen on; write host:port, as in 127.0.0.1:9720")
    return text


SomeTime = Annotated[Duration, AfterValidator(_longer_than_nothing)]
"""A duration that is longer than nothing."""
HttpUrl = Annotated[str, AfterValidator(_http_url)]
"""An http or https URL without a trailing slash."""
PackSize = Annotated[int, BeforeValidator(_pack_size, json_schema_input_type=int | bool)]


class Source(Section):
    """One Prometheus-compatible HTTP API."""

    url: HttpUrl
    timeout: SomeTime = timedelta(seconds=10)
    every: SomeTime = timedelta(seconds=30)
    concurrency: int = Field(default=4, ge=1, le=64)
    pack: PackSize = Field(default=_PACK, ge=1, le=1000)
    compression: Literal["auto", "gzip", "identity"] = "auto"
    headers: Mapping[str, str] = Field(default_factory=dict)
    token: SecretStr | None = None
    failing_for: Duration = timedelta(minutes=1)
    failing_severity: Severity = Severity.SEV2
    follow_scrapes: bool = True
    external_labels: Mapping[str, str] = Field(default_factory=dict)
    external_url: HttpUrl | None = None


class Slack(Section):
    token: SecretStr
    signing_secret: SecretStr | None = None
    api_url: HttpUrl = "https://slack.com/api"
    timeout: SomeTime = timedelta(seconds=10)


class PagerDuty(Section):
    api_url: HttpUrl = "https://events.pagerduty.com"
    webhook_secret: SecretStr | None = None
    timeout: SomeTime = timedelta(seconds=10)


class Smtp(Section):
    host: str = "localhost"
    port: int = Field(default=25, ge=1, le=65535)
    security: Literal["none", "starttls", "tls"] = "none"
    user: str | None = None
    password: SecretStr | None = None
    sender: str = Field(alias="from")
    timeout: SomeTime = timedelta(seconds=10)


class Jira(Section):
    url: HttpUrl
    user: str | None = None
    token: SecretStr
    api: Literal["cloud", "datacenter"] = "cloud"
    timeout: SomeTime = timedelta(seconds=10)


class Webhook(Section):
    timeout: SomeTime = timedelta(seconds=10)


class Api(Section):
    """Who may change something over HTTP: this token, beside those made with ``incidentd token create``."""

    token: SecretStr | None = None


class Delivery(Section):
    """How long and how often a notification is tried before it is given up."""

    deadline: Duration = timedelta(hours=6)
    first_retry: SomeTime = timedelta(seconds=2)
    longest_retry: SomeTime = timedelta(minutes=5)


class Replay(Section):
    """How far back slots that were missed are made up for from a source's history, and how long that may take."""

    longest: Duration = timedelta(hours=1)
    timeout: SomeTime = timedelta(seconds=30)


class Settings(Section):
    """Everything of incidentd.yaml but what routes people and the public: see the catalog for those."""

    listen: Annotated[str, AfterValidator(_listen_address)] = "127.0.0.1:9720"
    base_url: HttpUrl = "http://127.0.0.1:9720"
    database: str = "sqlite:///incidentd.db"
    rules: tuple[Path, ...] | None = None
    runbooks: tuple[Path, ...] | None = None
    silences: tuple[Path, ...] | None = None
    templates: Path | None = None
    sources: Mapping[str, Source] = Field(min_length=1)
    slack: Slack | None = None
    pagerduty: PagerDuty = PagerDuty()
    smtp: Smtp | None = None
    jira: Jira | None = None
    webhook: Webhook = Webhook()
    api: Api = Api()
    delivery: Delivery = Delivery()
    replay: Replay = Replay()

    @property
    def host(self) -> str:
        return self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.listen.rpartition(":")[2])

    @property
    def listens_on_loopback(self) -> bool:
        """Whether only this machine can reach the service."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False
