"""The fields of a Jira issue or comment as sent -> what Jira would say against them."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

# https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/
MAX_SUMMARY = 255
MAX_LABEL = 255
MAX_TEXT = 32_767
ISSUE_TYPES = ("Task", "Bug", "Story", "Incident")
PRIORITIES = ("Highest", "High", "Medium", "Low", "Lowest")
SETTABLE = {"project", "issuetype", "summary", "description", "labels", "priority", "duedate", "environment"}

_JQL = re.compile(
    r'(?:project\s*=\s*"?(?P<project>[\w-]+)"?\s+AND\s+)?labels\s*=\s*"?(?P<label>[^"\s]+)"?(?:\s+ORDER\s+BY\s.*)?',
    re.IGNORECASE,
)


def issue_errors(fields: Mapping[str, Any], *, api: str, projects: Collection[str]) -> dict[str, str]:
    """Field -> what is wrong with it; empty if Jira would create the issue."""
    errors = {
        name: f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
        for name in fields
        if name not in SETTABLE
    }
    if _named(fields.get("project"), "key") not in projects:
        errors["project"] = "valid project is required"
    if _named(fields.get("issuetype"), "name") not in ISSUE_TYPES:
        errors["issuetype"] = "The issue type selected is invalid."
    if "priority" in fields and _named(fields["priority"], "name") not in PRIORITIES:
        errors["priority"] = "The priority selected is invalid."
    errors |= _summary_errors(fields.get("summary"))
    if fields.get("description") is not None and (wrong := text_error(fields["description"], api=api)):
        errors["description"] = wrong
    labels = fields.get("labels", [])
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        errors["labels"] = "data was not an array of strings"
    elif any(re.search(r"\s", label) for label in labels):
        errors["labels"] = "The label can't contain spaces."
    elif any(len(label) > MAX_LABEL for label in labels):
        errors["labels"] = f"The label exceeds the maximum length of {MAX_LABEL} characters."
    return errors


def text_error(text: object, *, api: str) -> str | None:
    """What is wrong with a description or a comment: v3 takes Atlassian documents, v2 strings."""
    if api == "2":
        if not isinstance(text, str):
            return "Operation value must be a string"
    elif not isinstance(text, dict) or text.get("type") != "doc" or text.get("version") != 1:
        return "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
    elif not isinstance(text.get("content"), list) or any(not t for t in texts(text)):
        return "INVALID_INPUT"
    if sum(map(len, texts(text))) > MAX_TEXT:
        return f"The entered text is too long. It exceeds the allowed limit of {MAX_TEXT} characters."
    return None


def texts(document: object) -> Iterator[str]:
    """The texts of an Atlassian document, from top to bottom; a string is its own."""
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict):
        if document.get("type") == "text":
            yield str(document.get("text", ""))
        for node in document.get("content", ()):
            yield from texts(node)


def parse_jql(jql: str) -> tuple[str | None, str] | None:
    """(project or None, label) of the one kind of search that is needed; None for any other."""
    match = _JQL.fullmatch(jql.strip())
    return (match["project"], match["label"]) if match else None


def _summary_errors(summary: object) -> dict[str, str]:
    if not isinstance(summary, str) or not summary.strip():
        return {"summary": "You must specify a summary of the issue."}
    if "\n" in summary:
        return {"summary": "The summary is invalid because it contains newline characters."}
    if len(summary) > MAX_SUMMARY:
        return {"summary": f"Summary must be less than {MAX_SUMMARY} characters."}
    return {}


def _named(value: object, key: str) -> object:
    return value.get(key) if isinstance(value, dict) else None
