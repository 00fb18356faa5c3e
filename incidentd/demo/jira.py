"""Calls of Jira's REST API (Cloud v3, Data Center v2) -> issues with comments, links and a status, by Jira's rules."""

import base64
import itertools
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from incidentd.demo import jira_page, jira_rules
from incidentd.demo.page import page
from incidentd.demo.server import DEFAULT_TIMEOUT_S, Answer, Request, StandIn, html_answer, json_answer

TRANSITIONS = {"11": "To Do", "21": "In Progress", "31": "Done"}
CATEGORIES = {
    "To Do": {"id": 2, "key": "new", "name": "To Do", "colorName": "blue-gray"},
    "In Progress": {"id": 4, "key": "indeterminate", "name": "In Progress", "colorName": "yellow"},
    "Done": {"id": 3, "key": "done", "name": "Done", "colorName": "green"},
}
MISSING = "Issue does not exist or you do not have permission to see it."


class _RefusedError(Exception):
    def __init__(self, status: int, *messages: str, errors: Mapping[str, str] | None = None) -> None:
        super().__init__(status)
        self.answer = json_answer({"errorMessages": list(messages), "errors": dict(errors or {})}, status)


@dataclass(slots=True, eq=False)
class Issue:
    jira: "JiraStandIn" = field(repr=False)
    id: str
    key: str
    fields: dict[str, Any]
    created_at: float
    status: str = "To Do"
    comments: list[Any] = field(default_factory=list)
    """Bodies, oldest first: documents or strings, as they were sent."""
    links: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Remote links by globalId."""

    @property
    def summary(self) -> str:
        return str(self.fields["summary"])

    @property
    def labels(self) -> list[str]:
        return list(self.fields.get("labels", []))

    @property
    def description(self) -> str:
        """Its text, without the marks of the document."""
        return "\n".join(jira_rules.texts(self.fields.get("description")))

    def expect_comment(self, containing: str, timeout: float = DEFAULT_TIMEOUT_S) -> str:
        """The text of the first comment that says *containing*; waits for it. Raises NotSeenError."""
        return self.jira.wait_for(
            lambda: next((text for text in self.comment_texts if containing.lower() in text.lower()), None),
            f"comment on {self.key} containing {containing!r}",
            timeout,
        )

    def expect_status(self, status: str, timeout: float = DEFAULT_TIMEOUT_S) -> None:
        """Wait until the issue has that status. Raises NotSeenError."""
        self.jira.wait_for(lambda: self.status == status or None, f"{self.key} in status {status!r}", timeout)

    @property
    def comment_texts(self) -> list[str]:
        return ["\n".join(jira_rules.texts(comment)) for comment in self.comments]

    def as_json(self, wanted: set[str] | None = None) -> dict[str, Any]:
        """The issue as Jira returns it, with the *wanted* fields, or all."""
        shown = {**self.fields, "status": {"name": self.status, "statusCategory": CATEGORIES[self.status]}}
        if wanted is not None and not wanted & {"*all", "*navigable"}:
            shown = {name: value for name, value in shown.items() if name in wanted}
        return {"id": self.id, "key": self.key, "self": f"{self.jira.url}/rest/api/3/issue/{self.id}", "fields": shown}


class JiraStandIn(StandIn):
    """One site. Basic authentication with *user* and *token*; a bearer token is taken by v2 alone, as Data Center does.

    `index_lag` (seconds) is how long a new issue stays unknown to v3's search, which is eventually consistent.
    """

    api = ("/rest/",)

    def __init__(
        self,
        *,
        user: str = "bot@example.com",
        token: str = "jira-demo",  # noqa: S107 - a stand-in's token opens nothing
        projects: tuple[str, ...] = ("OPS",),
        port: int = 0,
    ) -> None:
        super().__init__(port=port)
        self.user = user
        self.token = token
        self.projects = projects
        self.issues: list[Issue] = []
        self.index_lag = 0.0
        self._ids = itertools.count(10_001)

    def issue(self, key: str) -> Issue | None:
        """By key or ID."""
        return next((issue for issue in self.issues if key in {issue.key, issue.id}), None)

    def expect_issue(self, containing: str = "", timeout: float = DEFAULT_TIMEOUT_S) -> Issue:
        """The first issue whose summary, description or labels say *containing*; waits for it. Raises NotSeenError."""

        def find() -> Issue | None:
            return next(
                (i for i in self.issues if containing.lower() in f"{i.summary}\n{i.description}\n{i.labels}".lower()),
                None,
            )

        return self.wait_for(find, f"Jira issue containing {containing!r}", timeout)

    def seen(self) -> str:
        return "; ".join(f"{i.key} {i.status}: {i.summary} {i.comment_texts}" for i in self.issues) or super().seen()

    def answer(self, request: Request) -> Answer:
        if request.path == "/":
            body = "".join(map(jira_page.render, reversed(self.issues))) or "<p class=dim>No issues.</p>"
            return html_answer(page("Jira", "stand-in", body, colour="#0747a6", style=jira_page.STYLE))
        if request.path.startswith("/browse/"):
            issue = self.issue(request.path.removeprefix("/browse/"))
            body = jira_page.render(issue) if issue else f"<p>{MISSING}</p>"
            return html_answer(page("Jira", "stand-in", body, colour="#0747a6", style=jira_page.STYLE))
        try:
            return self._call(request)
        except _RefusedError as refused:
            return refused.answer

    def _call(self, request: Request) -> Answer:
        match [request.method, *request.path.strip("/").split("/")]:
            case [method, "rest", "api", ("2" | "3") as api, *rest]:
                self._authorise(request, api)
            case _:
                raise _RefusedError(404)
        match [method, api, *rest]:
            case ["POST", _, "issue"]:
                return self._create(_body(request), api)
            case ["GET", _, "myself"]:
                return json_answer({"accountId": "5b10", "emailAddress": self.user, "displayName": "incidentd"})
            case [_, _, "issue", key, *rest]:
                return self._one(self._known(key), [method, *rest], request, api)
            case ["GET" | "POST", "3", "search", "jql"] | ["GET" | "POST", "2", "search"]:
                return self._search(request, api)
            case [_, "3", "search"]:
                raise _RefusedError(
                    410, "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API."
                )
            case _:
                raise _RefusedError(404)

    def _one(self, issue: Issue, call: list[str], request: Request, api: str) -> Answer:
        match call:
            case ["GET"]:
                return json_answer(issue.as_json())
            case ["GET", "transitions"]:
                return json_answer({"transitions": [_transition(id_) for id_ in TRANSITIONS]})
            case ["POST", "transitions"]:
                return _move(issue, _body(request))
            case [method, "comment"]:
                return _show_comments(issue) if method == "GET" else _comment(issue, _body(request), api)
            case [method, "remotelink"]:
                return json_answer(list(issue.links.values())) if method == "GET" else self._link(issue, _body(request))
            case _:
                raise _RefusedError(405)

    def _create(self, body: dict[str, Any], api: str) -> Answer:
        fields = body.get("fields")
        if not isinstance(fields, dict):
            raise _RefusedError(400, "Field 'fields' is required")
        if errors := jira_rules.issue_errors(fields, api=api, projects=self.projects):
            raise _RefusedError(400, errors=errors)
        project = fields["project"]["key"]
        number = 1 + sum(issue.key.startswith(f"{project}-") for issue in self.issues)
        issue = Issue(self, str(next(self._ids)), f"{project}-{number}", fields, time.time())
        self.issues.append(issue)
        return json_answer({name: issue.as_json()[name] for name in ("id", "key", "self")}, 201)

    def _search(self, request: Request, api: str) -> Answer:
        """v3 returns IDs alone unless `fields` are asked for."""
        asked: dict[str, Any] = _body(request) if request.method == "POST" else dict(request.query)
        parsed = jira_rules.parse_jql(str(asked.get("jql", "")))
        if parsed is None:
            raise _RefusedError(400, 'Error in the JQL Query: this stand-in takes `project = X AND labels = "y"`.')
        project, label = parsed
        settled = time.time() - (self.index_lag if api == "3" else 0)
        found = [
            issue
            for issue in self.issues
            if label in issue.labels
            and project in {None, issue.fields["project"]["key"]}
            and issue.created_at <= settled
        ]
        wanted = asked.get("fields", [])
        names = set(wanted.split(",") if isinstance(wanted, str) else wanted)
        if api == "2":
            issues = [issue.as_json(names or None) for issue in found]
            return json_answer({"issues": issues, "total": len(found), "startAt": 0, "maxResults": 50})
        issues = [issue.as_json(names) if names else {"id": issue.id} for issue in found]
        return json_answer({"issues": issues, "isLast": True})

    def _link(self, issue: Issue, body: dict[str, Any]) -> Answer:
        linked = body.get("object")
        errors = {
            name: f"'{name}' is required."
            for name in ("url", "title")
            if not isinstance(linked, dict) or not linked.get(name)
        }
        if errors:
            raise _RefusedError(400, errors=errors)
        global_id = str(body.get("globalId") or f"link-{next(self._ids)}")
        known = global_id in issue.links
        id_ = issue.links[global_id]["id"] if known else next(self._ids)
        issue.links[global_id] = {**body, "globalId": global_id, "id": id_}
        return json_answer(
            {"id": id_, "self": f"{self.url}/rest/api/3/issue/{issue.key}/remotelink/{id_}"}, 200 if known else 201
        )

    def _known(self, key: str) -> Issue:
        issue = self.issue(key)
        if issue is None:
            raise _RefusedError(404, MISSING)
        return issue

    def _authorise(self, request: Request, api: str) -> None:
        basic = "Basic " + base64.b64encode(f"{self.user}:{self.token}".encode()).decode()
        allowed = {basic, f"Bearer {self.token}"} if api == "2" else {basic}
        if request.headers.get("authorization") not in allowed:
            raise _RefusedError(401, "Client must be authenticated to access this resource.")


def _body(request: Request) -> dict[str, Any]:
    try:
        body = request.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise _RefusedError(400, "There was an error parsing JSON. Check that your request body is valid.")
    return body


def _transition(id_: str) -> dict[str, Any]:
    name = TRANSITIONS[id_]
    return {"id": id_, "name": name, "to": {"id": f"1{id_}", "name": name, "statusCategory": CATEGORIES[name]}}


def _show_comments(issue: Issue) -> Answer:
    comments = [{"id": str(n), "body": body} for n, body in enumerate(issue.comments, 1)]
    return json_answer({"comments": comments, "total": len(comments), "startAt": 0, "maxResults": 50})


def _comment(issue: Issue, body: dict[str, Any], api: str) -> Answer:
    text = body.get("body")
    wrong = jira_rules.text_error(text, api=api) if text else "Comment body can not be empty!"
    if wrong:
        raise _RefusedError(400, errors={"comment": wrong})
    issue.comments.append(text)
    return json_answer({"id": str(len(issue.comments)), "body": text}, 201)


def _move(issue: Issue, body: dict[str, Any]) -> Answer:
    transition = body.get("transition")
    id_ = transition.get("id") if isinstance(transition, dict) else None
    if not isinstance(id_, str):
        raise _RefusedError(400, "Missing 'transition' identifier" if id_ is None else "Transition id must be a string")
    if id_ not in TRANSITIONS:
        raise _RefusedError(400, f"Transition id '{id_}' is not valid for this issue.")
    issue.status = TRANSITIONS[id_]
    return Answer(204)
