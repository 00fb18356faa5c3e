"""The arguments of one call of Slack's Web API -> content, metadata, a page of messages, or Slack's error."""

import json
from typing import Any

from incidentd.demo import slack_blocks
from incidentd.demo.server import Request
from incidentd.demo.slack_message import Content, Message

MAX_TEXT = 40_000
MAX_UPDATE_TEXT = 4_000
MAX_CHARACTERS = 13_200  # in all per message; undocumented, reported on bolt-js#2509
MAX_METADATA_BYTES = 16 * 1024


class ApiError(Exception):
    """What Slack answers with ``"ok": false``; *messages* say more for people."""

    def __init__(self, error: str, *messages: str) -> None:
        super().__init__(error)
        self.error = error
        self.messages = messages


def arguments(request: Request) -> dict[str, Any]:
    """Slack takes JSON, forms whose structured fields are JSON, and query parameters."""
    given: dict[str, Any] = dict(request.query)
    if not request.body:
        return given
    if "json" in request.headers.get("content-type", ""):
        try:
            return given | {name: value for name, value in request.json().items() if value is not None}
        except (ValueError, AttributeError):
            raise ApiError("invalid_json") from None
    given |= request.form()
    for name in ("blocks", "attachments", "metadata"):
        if name in given:
            try:
                given[name] = json.loads(given[name])
            except ValueError:
                raise ApiError(f"invalid_{name}_format") from None
    return given


def content(arguments: dict[str, Any], before: Content | None, most: int) -> Content:
    """What the arguments say; on an update, blocks and attachments that are not given stay.

    Stricter than Slack in one thing: without text it only warns if there are blocks. The text is what a locked
    telephone shows, so that its absence is an error here.
    """
    text = arguments.get("text") or ""
    blocks = arguments.get("blocks", before.blocks if before else ())
    attachments = arguments.get("attachments", before.attachments if before else ())
    if not text:
        raise ApiError("no_text")
    if len(text) > most:
        raise ApiError("msg_too_long")
    if "blocks" in arguments and (found := slack_blocks.problems(blocks)):
        raise ApiError("invalid_blocks", *found)
    if "attachments" in arguments and (found := slack_blocks.attachment_problems(attachments)):
        raise ApiError("invalid_attachments", *found)
    made = Content(text, tuple(blocks), tuple(attachments))
    if (blocks or attachments) and len(made.visible) > MAX_CHARACTERS:
        raise ApiError("msg_blocks_too_long")
    return made


def metadata(arguments: dict[str, Any]) -> dict[str, Any] | None:
    given = arguments.get("metadata")
    if given is None:
        return None
    if (
        not isinstance(given, dict)
        or not isinstance(given.get("event_type"), str)
        or not isinstance(given.get("event_payload"), dict)
    ):
        raise ApiError("invalid_metadata_format")
    if len(json.dumps(given)) > MAX_METADATA_BYTES:
        raise ApiError("metadata_too_large")
    return given


def page_of(messages: list[Message], arguments: dict[str, Any]) -> dict[str, Any]:
    """The messages between oldest and latest, at most `limit`, as Slack's API returns them.

    Both ends are exclusive unless `inclusive`; that there are more is said by `has_more`.
    """
    oldest, latest = float(arguments.get("oldest") or 0), float(arguments.get("latest") or "inf")
    inclusive = _true(arguments.get("inclusive"))
    within = [m for m in messages if (oldest < float(m.ts) < latest) or (inclusive and float(m.ts) in {oldest, latest})]
    limit = int(arguments.get("limit") or 100)
    with_metadata = _true(arguments.get("include_all_metadata"))
    return {
        "messages": [m.as_json(with_metadata=with_metadata) for m in within[:limit]],
        "has_more": len(within) > limit,
    }


def _true(value: object) -> bool:
    return str(value).lower() in {"1", "true"}
