"""A notification -> a Jira issue that follows the incident."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from incidentd.lifecycle import State
from incidentd.notify import wording
from incidentd.notify.jira import document
from incidentd.notify.jira.client import Issue, JiraClient, Transition
from incidentd.notify.jira.config import JiraDestination
from incidentd.notify.notification import Kind, Notification
from incidentd.notify.notifier import Attempt, DeliveryError, Remote
from incidentd.notify.render import Templates
from incidentd.notify.transport import RefusedError
from incidentd.settings import Jira

_COMMENTED = (Kind.ACKNOWLEDGED, Kind.ESCALATED, Kind.RESOLVED)
_OPEN, _RESOLVED = "open", "resolved"


class JiraNotifier:
    """One issue for each incident. The remote keys are the issue's ``id`` and ``key``, and whether it was last told
    that the incident is ``open`` or ``resolved`` (``state``)."""

    def __init__(self, config: Jira, templates: Templates) -> None:
        self._config = config
        self._templates = templates

    def send(self, notification: Notification, destination: JiraDestination, attempt: Attempt) -> Remote:
        client = JiraClient(self._config, notification.now)
        if not attempt.remote:
            return self._begin(client, notification, destination, uncertain=attempt.uncertain)
        issue = Issue(attempt.remote["id"], attempt.remote["key"])
        try:
            _follow(client, notification, destination, issue, attempt.remote.get("state", _OPEN))
        except RefusedError as exc:
            if exc.status != HTTPStatus.NOT_FOUND:
                raise
            if notification.state is State.RESOLVED:
                return dict(attempt.remote)  # nobody waits for the end of an issue that somebody deleted
            return self._begin(client, notification, destination, uncertain=attempt.uncertain)
        return _remote(notification, issue)

    def _begin(self, client: JiraClient, n: Notification, destination: JiraDestination, *, uncertain: bool) -> Remote:
        label = f"incidentd-{n.uid}"
        issue = client.find(destination.project, label) if uncertain else None
        if issue is None:
            said = self._templates.text("jira.txt.j2", fallback=wording.lock_screen(n), **wording.values(n))
            summary = document.summary(said) or n.name
            issue = client.create(destination, summary, (label, *destination.labels), document.description(n))
        if n.state is State.RESOLVED:
            try:
                _follow(client, n, destination, issue, _OPEN)
            except DeliveryError as exc:
                exc.remote = {"id": issue.id, "key": issue.key, "state": _OPEN}
                raise
        return _remote(n, issue)


def _follow(client: JiraClient, n: Notification, destination: JiraDestination, issue: Issue, known: str) -> None:
    """Moves first, which can be repeated, then comments."""
    if n.state is State.RESOLVED:
        if known != _RESOLVED or n.kind is Kind.RESOLVED:
            client.comment(issue, document.comment(n, _resolve(client, issue, destination.resolve_to)))
    elif known == _RESOLVED:
        client.comment(issue, document.comment(n, _reopen(client, issue)))
    elif n.kind in _COMMENTED:
        client.comment(issue, document.comment(n))


def _resolve(client: JiraClient, issue: Issue, resolve_to: str) -> str:
    """Moves the issue; what has to be said about it, empty when all went well."""
    wanted = resolve_to.casefold()
    if client.status(issue).casefold() == wanted:
        return ""
    return _move(client, issue, resolve_to, lambda one: wanted in {one.to.casefold(), one.name.casefold()})


def _reopen(client: JiraClient, issue: Issue) -> str:
    return _move(client, issue, "a status of the category To Do", lambda one: one.category == "new")


def _move(client: JiraClient, issue: Issue, where: str, fits: Callable[[Transition], bool]) -> str:
    offered = client.transitions(issue)
    transition = next((one for one in offered if fits(one)), None)
    if transition is None:
        names = ", ".join(one.to or one.name for one in offered) or "none"
        return f"This issue was not moved to {where}: its workflow offers {names}."
    try:
        client.move(issue, transition)
    except DeliveryError as exc:
        if not exc.permanent:
            raise
        return f"This issue was not moved to {where}: {exc}."
    return ""


def _remote(n: Notification, issue: Issue) -> dict[str, str]:
    return {"id": issue.id, "key": issue.key, "state": _RESOLVED if n.state is State.RESOLVED else _OPEN}
