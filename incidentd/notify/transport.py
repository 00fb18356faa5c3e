"""One HTTP call with a time-out -> the answer, or a DeliveryError that says whether a retry can help."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import requests
import urllib3

from incidentd.notify.notifier import DeliveryError

MAX_ANSWER_BYTES = 1_000_000
_MAX_DETAIL = 300
_LONGEST_WAIT_S = 86_400
# Beside 429 and 5xx; https://www.rfc-editor.org/rfc/rfc9110#section-15.5
PASSING = (408, 425, 429)


class RefusedError(DeliveryError):
    """The vendor answered, and it was no success. *status* is HTTP's."""

    status = 0


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: str

    def json(self) -> Any:
        """The decoded body; None when it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True, slots=True)
class Door:
    """How one vendor is called: its *name* in error texts, the *timeout* for connecting and for each read, and what
    must never be repeated in an error text."""

    name: str
    timeout: timedelta
    secrets: tuple[str, ...] = ()

    def call(
        self,
        method: str,
        url: str,
        *,
        body: object = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        now: datetime | None = None,
    ) -> Answer:
        """One attempt; a 2xx is returned. Raises DeliveryError. Redirects are refused: they turn a POST into a GET."""
        try:
            with session(url) as opened, opened.request(
                method,
                url,
                json=body,
                headers=headers,
                auth=auth,
                timeout=self.timeout.total_seconds(),
                allow_redirects=False,
                stream=True,
            ) as response:  # fmt: skip
                answer = Answer(response.status_code, _read(response))
                waits = response.headers
        except ValueError as exc:  # requests' own word for a URL or header that it cannot write down
            raise DeliveryError(f"{self.name}: the request cannot be built", permanent=True) from exc
        except requests.RequestException as exc:
            raise unreached(self.name, exc) from exc
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise refused(self.name, answer.status, waits, reason(answer), now=now, secrets=self.secrets)
        return answer


def session(url: str) -> requests.Session:
    """A session for one call to *url*: the environment's proxies count, ``~/.netrc`` does not."""
    opened = requests.Session()
    opened.trust_env = False
    opened.proxies.update(requests.utils.get_environ_proxies(url))
    return opened


def unreached(vendor: str, exc: BaseException) -> DeliveryError:
    """No answer at all: a retry can help. Uncertain unless the connection was never made."""
    made = not isinstance(exc, requests.exceptions.ConnectTimeout | requests.exceptions.SSLError)
    for cause in _causes(exc):
        if isinstance(cause, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError):
            made = False
    what = "did not answer in time" if isinstance(exc, requests.Timeout) else "cannot be reached"
    return DeliveryError(f"{vendor} {what} ({type(exc).__name__})", permanent=False, uncertain=made)


def refused(
    vendor: str,
    status: int,
    headers: Mapping[str, str],
    reason: str = "",
    *,
    now: datetime | None = None,
    secrets: tuple[str, ...] = (),
) -> RefusedError:
    """An answer that is not a success. 5xx is uncertain: a gateway gives up on what the vendor may still do."""
    server = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    detail = f": {redacted(reason, secrets)}" if reason else ""
    error = RefusedError(
        f"{vendor} answered {status}{detail}",
        permanent=not server and status not in PASSING,
        uncertain=server,
        retry_after=retry_after(headers, now),
    )
    error.status = status
    return error


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> timedelta | None:
    """What the vendor asked us to wait, at most a day; None when it did not say. A date needs *now*."""
    asked = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}", asked):
        return timedelta(seconds=min(int(asked), _LONGEST_WAIT_S))
    try:
        until = parsedate_to_datetime(asked)
    except ValueError:
        return None
    if now is None:
        return None
    wait = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    return max(timedelta(), min(wait, timedelta(seconds=_LONGEST_WAIT_S)))


def redacted(text: str, secrets: tuple[str, ...]) -> str:
    """*text* in one short line without any of *secrets*."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "[secret]")
    return " ".join(text.split())[:_MAX_DETAIL]


def _read(response: requests.Response) -> str:
    body = bytearray()
    for chunk in response.iter_content(65_536):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            break
    return body[:MAX_ANSWER_BYTES].decode("utf-8", "replace")


def reason(answer: Answer) -> str:
    """What the vendor says is wrong: PagerDuty's and Jira's shapes."""
    said = answer.json()
    if not isinstance(said, dict):
        return ""
    reasons: list[str] = []
    for value in (said.get("errorMessages"), said.get("errors"), said.get("message")):
        if isinstance(value, Mapping):
            reasons += [f"{name}: {text}" for name, text in value.items()]
        elif isinstance(value, list):
            reasons += [str(item) for item in value]
        elif isinstance(value, str):
            reasons.append(value)
    return "; ".join(reasons)


def _causes(exc: BaseException | None) -> list[BaseException]:
    """*exc* and everything that it was made from, as requests and urllib3 nest it."""
    found: list[BaseException] = []
    waiting: list[object] = [exc]
    while waiting:
        item = waiting.pop()
        if isinstance(item, BaseException) and item not in found:
            found.append(item)
            waiting += [item.__cause__, getattr(item, "reason", None), *item.args]
    return found
