from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydantic import SecretStr, ValidationError

from incidentd import settings
from incidentd.demo.jira import JiraStandIn
from incidentd.demo.server import Answer, Request, json_answer
from incidentd.notify.jira import document
from incidentd.notify.jira.config import JiraDestination
from incidentd.notify.jira.notifier import JiraNotifier
from incidentd.notify.notification import Kind
from incidentd.notify.notifier import Attempt, DeliveryError
from tests.unit.notify.notices import HOSTILE, acknowledged, notice, resolved
from tests.unit.notify.rigs import TEMPLATES, JiraRig, rig


@pytest.fixture
def jira() -> Iterator[JiraRig]:
    with rig("jira") as made:
        assert isinstance(made, JiraRig)
        yield made


def test_an_issue_follows_its_incident_to_the_end(jira: JiraRig) -> None:
    jira.destination = JiraDestination(project="OPS", issue_type="Bug", labels=("llm",))
    remote = jira.send(notice())
    assert remote == {"id": "10001", "key": "OPS-1", "state": "open"}
    (issue,) = jira.stand_in.issues
    assert issue.summary == "[SEV2] chat: 21% of LLM calls fail (INC-42)"
    assert issue.labels == ["incidentd-u42", "llm"]
    assert issue.fields["issuetype"] == {"name": "Bug"}
    assert issue.description.splitlines() == [
        "Opened 2024-05-06 16:02 UTC",
        "Next: Check the provider's status page. ",
        "Runbook: Elevated error rate",
        "Severity: SEV2",
        "Value: 21% · limit > 5% · peak 24%",
        "Owner: ai-platform",
        "Service: chat",
        "chat: 21% of LLM calls fail · limit > 5%",
        "INC-42 in incidentd",
    ]
    remote = jira.send(acknowledged(), remote)
    assert issue.comment_texts == ["Acknowledged by anna after 2m"]
    remote = jira.send(resolved(), remote)
    assert remote["state"] == "resolved"
    assert issue.status == "Done"
    assert issue.comment_texts[1:] == ["Resolved by the rule after 10m"]


def test_quiet_kinds_write_nothing(jira: JiraRig) -> None:
    remote = jira.send(notice())
    before = len(jira.stand_in.received)
    assert jira.send(notice(kind=Kind.UPDATED), remote) == remote
    assert jira.send(notice(kind=Kind.REMINDED), remote) == remote
    assert len(jira.stand_in.received) == before


def test_a_reopened_incident_reopens_its_issue(jira: JiraRig) -> None:
    remote = jira.send(resolved(), jira.send(notice()))
    remote = jira.send(notice(kind=Kind.UPDATED, headline="Fires again"), remote)
    (issue,) = jira.stand_in.issues
    assert issue.status == "To Do"
    assert issue.comment_texts[-1].startswith("Fires again")
    assert remote["state"] == "open"


def test_an_uncertain_create_is_found_by_its_label(jira: JiraRig) -> None:
    jira.send(notice(uid="another"))
    known = jira.send(notice())
    assert jira.send(notice(), uncertain=True) == known
    assert len(jira.stand_in.issues) == 2


def test_an_issue_that_was_deleted_is_made_again_while_it_matters(jira: JiraRig) -> None:
    remote = jira.send(notice())
    jira.stand_in.issues.clear()
    assert jira.send(resolved(), remote) == remote
    assert jira.stand_in.issues == []
    assert jira.send(acknowledged(), remote)["id"] == "10002"


def test_a_status_that_the_workflow_lacks_is_said_in_the_comment(jira: JiraRig) -> None:
    jira.destination = JiraDestination(project="OPS", resolve_to="Closed")
    jira.send(resolved(), jira.send(notice()))
    (issue,) = jira.stand_in.issues
    assert issue.status == "To Do"
    said = "This issue was not moved to Closed: its workflow offers To Do, In Progress, Done."
    assert issue.comment_texts[-1].endswith(said)


class AsksForAResolution(JiraStandIn):
    """Its workflow wants a field that we do not know."""

    def answer(self, request: Request) -> Answer:
        if request.method == "POST" and request.path.endswith("/transitions"):
            return json_answer({"errorMessages": ["It is required to specify a resolution"]}, 400)
        return super().answer(request)


def test_a_transition_that_is_refused_is_said_in_the_comment() -> None:
    with AsksForAResolution(token="jira-s3cret") as stand_in:
        jira = JiraRig(stand_in, JiraDestination(project="OPS"), "jira-s3cret", stand_in.port)
        jira.send(resolved(), jira.send(notice()))
        said = "This issue was not moved to Done: Jira answered 400: It is required to specify a resolution."
        assert stand_in.issues[0].comment_texts[-1].endswith(said)


def test_a_repeated_resolve_does_not_complain_that_it_is_done(jira: JiraRig) -> None:
    """The transition worked, the comment failed: the next attempt finds the status as wanted."""
    remote = jira.send(notice())
    jira.stand_in.fail_next(status=503, path="/comment")
    with pytest.raises(DeliveryError):
        jira.send(resolved(), remote)
    (issue,) = jira.stand_in.issues
    assert issue.status == "Done"
    jira.send(resolved(), remote, uncertain=True)
    assert issue.comment_texts == ["Resolved by the rule after 10m"]


def test_an_incident_that_nobody_was_told_of_is_recorded_as_done(jira: JiraRig) -> None:
    assert jira.send(resolved())["state"] == "resolved"
    (issue,) = jira.stand_in.issues
    assert issue.status == "Done"


def test_a_create_whose_resolve_failed_is_not_created_again(jira: JiraRig) -> None:
    jira.stand_in.fail_next(status=429, path="/transitions")
    with pytest.raises(DeliveryError) as raised:
        jira.send(resolved())
    assert raised.value.remote is not None
    jira.send(resolved(), raised.value.remote)
    assert [issue.status for issue in jira.stand_in.issues] == ["Done"]
    assert "/search" not in str(jira.stand_in.received), "Cloud's index lags: nothing depends on it here"


@pytest.mark.parametrize("user", ["bot@example.com", None])
def test_data_center_takes_strings_and_a_bearer_token(jira: JiraRig, user: str | None) -> None:
    config = settings.Jira(url=jira.url, user=user, token=SecretStr("jira-s3cret"), api="datacenter")
    notifier = JiraNotifier(config, TEMPLATES)
    remote = notifier.send(notice(title=HOSTILE), jira.destination, Attempt({}, uncertain=True))
    notifier.send(resolved(headline=HOSTILE), jira.destination, Attempt(remote, uncertain=False))
    (issue,) = jira.stand_in.issues
    assert isinstance(issue.fields["description"], str)
    said = r"<\!channel> & \{noformat\} \*b\* \[\~admin\] Bcc\: eve\@example.com end"
    assert issue.comments == [said + "\n\nResolved by the rule after 10m"]
    assert issue.status == "Done"


def test_wiki_markup_links_and_lists() -> None:
    parts = (
        document.Bullets(("a*b", "[~admin]")),
        document.Paragraph((document.Run("Next: "), document.Run("Run|book", "https://example.com/x"))),
    )
    assert document.as_markup(parts) == ("* a\\*b\n* \\[\\~admin\\]\n\nNext\\: [Run\\|book|https://example.com/x]")


def test_jiras_own_words_are_handed_on(jira: JiraRig) -> None:
    jira.destination = JiraDestination(project="NOPE")
    with pytest.raises(DeliveryError, match="Jira answered 400: project: valid project is required"):
        jira.send(notice())


@pytest.mark.parametrize("body", ["<html>Log in</html>", "[]", "{}", '"x"'])
def test_an_answer_that_is_no_issue_is_uncertain(jira: JiraRig, body: str) -> None:
    jira.stand_in.fail_next(status=200, body=body)
    with pytest.raises(DeliveryError) as raised:
        jira.send(notice())
    assert (raised.value.permanent, raised.value.uncertain) == (False, True)


def test_a_label_with_a_space_is_refused_when_it_is_authored() -> None:
    with pytest.raises(ValidationError):
        JiraDestination(project="OPS", labels=("two words",))
