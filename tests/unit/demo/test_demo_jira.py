import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from incidentd.demo.jira import JiraStandIn
from incidentd.demo.server import NotSeenError

STRONG = {"type": "strong"}


def document(text: str) -> dict[str, Any]:
    return {
        "type": "doc",
        "version": 1,
        "content": [{"type": "paragraph", "content": [{"type": "text", "text": text}]}],
    }


FIELDS: dict[str, Any] = {"project": {"key": "OPS"}, "issuetype": {"name": "Bug"}, "summary": "LLM errors 21%"}


@pytest.fixture
def jira() -> Iterator[JiraStandIn]:
    with JiraStandIn() as running:
        yield running


class Client:
    def __init__(self, jira: JiraStandIn, api: str) -> None:
        self.base = f"{jira.url}/rest/api/{api}/"

    def __call__(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        more = {"auth": ("bot@example.com", "jira-demo")} | more
        return requests.request(method, self.base + path, json=body, timeout=5, **more)


@pytest.fixture
def cloud(jira: JiraStandIn) -> Client:
    return Client(jira, "3")


@pytest.fixture
def datacenter(jira: JiraStandIn) -> Client:
    return Client(jira, "2")


def test_the_life_of_an_issue(jira: JiraStandIn, cloud: Client) -> None:
    created = cloud("POST", "issue", {"fields": FIELDS | {"description": document("see the runbook"), "labels": ["a"]}})
    assert created.status_code == 201
    assert created.json() == {"id": "10001", "key": "OPS-1", "self": f"{jira.url}/rest/api/3/issue/10001"}
    issue = jira.expect_issue("RUNBOOK")
    assert (issue.status, issue.labels, issue.description) == ("To Do", ["a"], "see the runbook")

    assert cloud("POST", "issue/OPS-1/comment", {"body": document("acknowledged by anna")}).status_code == 201
    assert issue.expect_comment("Anna") == "acknowledged by anna"
    assert cloud("GET", "issue/10001/comment").json()["comments"][0]["body"] == document("acknowledged by anna")

    transitions = cloud("GET", "issue/OPS-1/transitions").json()["transitions"]
    (done,) = [t["id"] for t in transitions if t["to"]["statusCategory"]["key"] == "done"]
    moved = cloud("POST", "issue/OPS-1/transitions", {"transition": {"id": done}})
    assert (moved.status_code, moved.text) == (204, "")
    issue.expect_status("Done")
    assert cloud("GET", "issue/OPS-1").json()["fields"]["status"]["name"] == "Done"
    assert cloud("POST", "issue", {"fields": FIELDS}).json()["key"] == "OPS-2"


def test_datacenter_takes_strings_and_bearer_tokens(jira: JiraStandIn, datacenter: Client, cloud: Client) -> None:
    bearer = {"headers": {"Authorization": "Bearer jira-demo"}, "auth": None}
    assert datacenter("POST", "issue", {"fields": FIELDS | {"description": "plain"}}, **bearer).status_code == 201
    assert datacenter("POST", "issue/OPS-1/comment", {"body": "a note"}).status_code == 201
    assert jira.issues[0].comment_texts == ["a note"]
    assert cloud("GET", "myself", **bearer).status_code == 401
    assert cloud("GET", "myself").json()["emailAddress"] == "bot@example.com"


@pytest.mark.parametrize(
    ("change", "field", "error"),
    [
        ({"project": {"key": "NO"}}, "project", "valid project is required"),
        ({"issuetype": {"name": "Alarm"}}, "issuetype", "The issue type selected is invalid."),
        ({"priority": {"name": "sev1"}}, "priority", "The priority selected is invalid."),
        ({"summary": " "}, "summary", "You must specify a summary of the issue."),
        ({"summary": "a\nb"}, "summary", "The summary is invalid because it contains newline characters."),
        ({"summary": "s" * 256}, "summary", "Summary must be less than 255 characters."),
        ({"labels": ["two words"]}, "labels", "The label can't contain spaces."),
        ({"labels": ["l" * 256]}, "labels", "The label exceeds the maximum length of 255 characters."),
        ({"labels": "x"}, "labels", "data was not an array of strings"),
        (
            {"severity": "high"},
            "severity",
            "Field 'severity' cannot be set. It is not on the appropriate screen, or unknown.",
        ),
        (
            {"description": "plain"},
            "description",
            "Operation value must be an Atlassian Document (see the Atlassian Document Format)",
        ),
        ({"description": document("")}, "description", "INVALID_INPUT"),
        (
            {"description": document("x" * 32_768)},
            "description",
            "The entered text is too long. It exceeds the allowed limit of 32767 characters.",
        ),
    ],
)
def test_fields_that_jira_refuses(
    jira: JiraStandIn, cloud: Client, change: dict[str, Any], field: str, error: str
) -> None:
    answer = cloud("POST", "issue", {"fields": FIELDS | change})
    assert (answer.status_code, answer.json()["errors"]) == (400, {field: error})
    assert jira.issues == []


def test_calls_that_jira_refuses(jira: JiraStandIn, cloud: Client, datacenter: Client) -> None:
    cloud("POST", "issue", {"fields": FIELDS})
    refused = [
        cloud("POST", "issue", {"fields": FIELDS}, auth=("bot@example.com", "wrong")).status_code,
        cloud("POST", "issue", []).status_code,
        cloud("POST", "issue", {}).status_code,
        cloud("POST", "issue", data="{").status_code,
        cloud("GET", "issue/OPS-9").status_code,
        cloud("POST", "issue/OPS-1/comment", {"body": ""}).status_code,
        cloud("POST", "issue/OPS-1/comment", {"body": "plain"}).status_code,
        datacenter("POST", "issue/OPS-1/comment", {"body": document("x")}).status_code,
        cloud("POST", "issue/OPS-1/transitions", {"transition": {"id": 31}}).status_code,
        cloud("POST", "issue/OPS-1/transitions", {"transition": {"id": "99"}}).status_code,
        cloud("POST", "issue/OPS-1/transitions", {}).status_code,
        cloud("DELETE", "issue/OPS-1").status_code,
        cloud("GET", "search", params={"jql": 'labels = "x"'}).status_code,
        cloud("GET", "search/jql", params={"jql": "assignee = me"}).status_code,
        cloud("GET", "nothing").status_code,
        requests.get(f"{jira.url}/rest/agile/1.0/board", timeout=5).status_code,
    ]
    assert refused == [401, 400, 400, 400, 404, 400, 400, 400, 400, 400, 400, 405, 410, 400, 404, 404]
    assert jira.issues[0].status == "To Do"


def test_a_lost_issue_is_found_by_its_label(jira: JiraStandIn, cloud: Client, datacenter: Client) -> None:
    jira.cut_after_accept()
    with pytest.raises(requests.ConnectionError):
        cloud("POST", "issue", {"fields": FIELDS | {"labels": ["incidentd-42"]}})
    jql = 'project = "OPS" AND labels = "incidentd-42" ORDER BY created DESC'
    found = cloud("POST", "search/jql", {"jql": jql, "fields": ["labels"]}).json()
    assert [(issue["key"], issue["fields"]) for issue in found["issues"]] == [("OPS-1", {"labels": ["incidentd-42"]})]
    assert found["isLast"]
    assert cloud("GET", "search/jql", params={"jql": jql}).json()["issues"] == [{"id": "10001"}]
    in_v2 = datacenter("GET", "search", params={"jql": "labels = incidentd-42"}).json()
    assert (in_v2["total"], in_v2["issues"][0]["fields"]["summary"]) == (1, "LLM errors 21%")
    assert cloud("GET", "search/jql", params={"jql": 'labels = "incidentd-4"'}).json()["issues"] == []
    jira.index_lag = 60
    assert cloud("GET", "search/jql", params={"jql": jql}).json()["issues"] == []


def test_a_remote_link_with_the_same_global_id_is_one_link(jira: JiraStandIn, cloud: Client) -> None:
    cloud("POST", "issue", {"fields": FIELDS})
    link = {"globalId": "incidentd-42", "object": {"url": "https://incidents.test/INC-42", "title": "INC-42"}}
    assert [cloud("POST", "issue/OPS-1/remotelink", link).status_code for _ in range(2)] == [201, 200]
    assert [one["object"]["title"] for one in cloud("GET", "issue/OPS-1/remotelink").json()] == ["INC-42"]
    wrong = cloud("POST", "issue/OPS-1/remotelink", {"object": {"url": "https://x.test"}})
    assert (wrong.status_code, wrong.json()["errors"]) == (400, {"title": "'title' is required."})


def test_waiting(jira: JiraStandIn, cloud: Client) -> None:
    threading.Timer(0.05, cloud, ["POST", "issue", {"fields": FIELDS}]).start()
    issue = jira.expect_issue("21%")
    with pytest.raises(NotSeenError, match=r"OPS-1 in status 'Done' not seen .* seen: OPS-1 To Do: LLM errors 21%"):
        issue.expect_status("Done", timeout=0.01)


def test_the_page_shows_the_issue_escaped(jira: JiraStandIn, cloud: Client) -> None:
    assert "No issues" in requests.get(jira.url, timeout=5).text
    cloud("POST", "issue", {"fields": FIELDS | {"summary": "<b>x</b>", "priority": {"name": "High"}}})
    cloud("POST", "issue/OPS-1/comment", {"body": document("<i>y</i>")})
    cloud("POST", "issue/OPS-1/remotelink", {"object": {"url": "javascript:alert(1)", "title": "z"}})
    for path in ("/", "/browse/OPS-1"):
        page = requests.get(jira.url + path, timeout=5).text
        assert "OPS-1 &lt;b&gt;x&lt;/b&gt;" in page
        assert "&lt;i&gt;y&lt;/i&gt;" in page
        assert "javascript" not in page
    assert "does not exist" in requests.get(f"{jira.url}/browse/OPS-9", timeout=5).text


def test_the_page_shows_documents_as_jira_does(jira: JiraStandIn, cloud: Client) -> None:
    def text(said: str, *marks: dict[str, Any]) -> dict[str, Any]:
        return {"type": "text", "text": said, "marks": list(marks)}

    def link(to: str) -> dict[str, Any]:
        return {"type": "link", "attrs": {"href": to}}

    item = {"type": "listItem", "content": [{"type": "paragraph", "content": [text("<owner>")]}]}
    runs = [text("Next: "), text("INC-1", link("http://i/1")), text("no", link("javascript:x")), text("now", STRONG)]
    content = [{"type": "paragraph", "content": runs}, {"type": "bulletList", "content": [item]}]
    cloud("POST", "issue", {"fields": FIELDS | {"description": {"type": "doc", "version": 1, "content": content}}})
    page = requests.get(jira.url, timeout=5).text
    assert '<p>Next: <a href="http://i/1">INC-1</a>no<b>now</b></p><ul><li><p>&lt;owner&gt;</p></li></ul>' in page
