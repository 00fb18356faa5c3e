"""The seven calls of Jira's REST API that an incident needs; Cloud (v3) and Data Center (v2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from incidentd.notify.jira import document
from incidentd.notify.jira.config import JiraDestination
from incidentd.notify.notifier import DeliveryError
from incidentd.notify.transport import Answer, Door
from incidentd.settings import Jira


@dataclass(frozen=True, slots=True)
class Issue:
    id: str
    key: str


@dataclass(frozen=True, slots=True)
class Transition:
    """*category* is ``new``, ``indeterminate`` or ``done``: what kind of status *to* is."""

    id: str
    name: str
    to: str
    category: str


class JiraClient:
    """Every method makes one call and raises DeliveryError."""

    def __init__(self, config: Jira, now: datetime) -> None:
        token = config.token.get_secret_value()
        self._door = Door("Jira", config.timeout, (token,))
        self._cloud = config.api == "cloud"
        self._base = f"{config.url}/rest/api/{3 if self._cloud else 2}"
        # Without a user the token is a personal access token of Data Center.
        self._auth = (config.user, token) if config.user else None
        self._headers = {"Accept": "application/json"} | ({} if config.user else {"Authorization": f"Bearer {token}"})
        self._now = now

    def find(self, project: str, label: str) -> Issue | None:
        """The issue with that label. Cloud's index lags: one created seconds ago may not be found."""
        path = "/search/jql" if self._cloud else "/search"
        jql = f'project = "{_quoted(project)}" AND labels = "{_quoted(label)}"'
        found = self._call("POST", path, {"jql": jql, "fields": ["summary"], "maxResults": 1})
        issues = found.get("issues")
        return _issue(issues[0]) if isinstance(issues, list) and issues else None

    def create(
        self, destination: JiraDestination, summary: str, labels: Sequence[str], parts: Sequence[document.Part]
    ) -> Issue:
        fields = {
            "project": {"key": destination.project},
            "issuetype": {"name": destination.issue_type},
            "summary": summary,
            "labels": list(labels),
            "description": self._text(parts),
        }
        return _issue(self._call("POST", "/issue", {"fields": fields}))

    def comment(self, issue: Issue, parts: Sequence[document.Part]) -> None:
        self._call("POST", f"/issue/{quote(issue.id, safe='')}/comment", {"body": self._text(parts)})

    def status(self, issue: Issue) -> str:
        """The name of the status that the issue is in; empty when Jira does not say."""
        found = self._call("GET", f"/issue/{quote(issue.id, safe='')}?fields=status")
        return str(_object(_object(found.get("fields")).get("status")).get("name", ""))

    def transitions(self, issue: Issue) -> tuple[Transition, ...]:
        """Those that the issue's workflow offers now."""
        found = self._call("GET", f"/issue/{quote(issue.id, safe='')}/transitions").get("transitions")
        return tuple(_transition(_object(one)) for one in found) if isinstance(found, list) else ()

    def move(self, issue: Issue, transition: Transition) -> None:
        path = f"/issue/{quote(issue.id, safe='')}/transitions"
        self._call("POST", path, {"transition": {"id": transition.id}})

    def _text(self, parts: Sequence[document.Part]) -> object:
        return document.as_document(parts) if self._cloud else document.as_markup(parts)

    def _call(self, method: str, path: str, body: object = None) -> Mapping[str, Any]:
        answer = self._door.call(
            method, self._base + path, body=body, headers=self._headers, auth=self._auth, now=self._now
        )
        return _decoded(answer)


def _decoded(answer: Answer) -> Mapping[str, Any]:
    if not answer.body:
        return {}
    decoded = answer.json()
    if not isinstance(decoded, Mapping):
        raise DeliveryError("Jira gave an answer that cannot be read", permanent=False, uncertain=True)
    return decoded


def _issue(found: Any) -> Issue:
    issue = _object(found)
    if "id" not in issue or "key" not in issue:
        raise DeliveryError("Jira did not say which issue it is", permanent=False, uncertain=True)
    return Issue(str(issue["id"]), str(issue["key"]))


def _transition(found: Mapping[str, Any]) -> Transition:
    to = _object(found.get("to"))
    category = _object(to.get("statusCategory"))
    return Transition(
        str(found.get("id", "")), str(found.get("name", "")), str(to.get("name", "")), str(category.get("key", ""))
    )


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
