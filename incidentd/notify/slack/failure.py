"""What slack-sdk raises -> DeliveryError."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import urllib.error
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from slack_sdk.errors import SlackApiError, SlackClientError

from incidentd.notify import transport
from incidentd.notify.notifier import DeliveryError

_UNREADABLE = (ValueError, AttributeError)
RAISED = (SlackClientError, OSError, http.client.HTTPException, *_UNREADABLE)
"""What a call can raise: the SDK lets urllib's errors through, ValueError for an answer that is no UTF-8, and
AttributeError for JSON that is no object."""

GONE = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
"""The message can no longer be edited: somebody deleted it, or the workspace forbids it."""

# https://docs.slack.dev/reference/methods/chat.postMessage#errors; what is not named here is tried again.
_PERMANENT = GONE | {
    "access_denied", "account_inactive", "as_user_not_supported", "cannot_reply_to_message", "channel_not_found",
    "ekm_access_denied", "invalid_arg_name", "invalid_arguments", "invalid_array_arg", "invalid_attachments",
    "invalid_auth", "invalid_blocks", "invalid_blocks_format", "invalid_form_data", "invalid_json",
    "invalid_metadata_format", "invalid_metadata_schema", "is_archived", "is_inactive", "json_not_object",
    "message_limit_exceeded", "messages_tab_disabled", "metadata_must_be_sent_from_app", "metadata_too_large",
    "method_deprecated", "missing_args", "missing_scope", "msg_blocks_too_long", "msg_too_long", "no_permission",
    "no_text", "not_allowed_token_type", "not_authed", "not_in_channel", "org_login_required", "restricted_action",
    "restricted_action_non_threadable_channel", "restricted_action_read_only_channel",
    "restricted_action_thread_locked", "restricted_action_thread_only_channel", "team_access_not_granted",
    "thread_not_found", "token_expired", "token_revoked", "too_many_attachments", "two_factor_setup_required",
    "unknown_method", "user_not_found", "user_not_in_channel",
}  # fmt: skip
_CODE = re.compile(r"[a-z_]{1,80}")
_NEVER_CONNECTED = (ConnectionRefusedError, socket.gaierror, ssl.SSLError)


class SlackDeliveryError(DeliveryError):
    """A call of Slack's Web API failed; *code* is Slack's word for it, empty when it gave none."""

    code = ""


def translated(method: str, exc: Exception) -> SlackDeliveryError:
    """The error to raise for *exc*, which a call of *method* raised."""
    if isinstance(exc, SlackApiError):
        return _answered(method, exc)
    if isinstance(exc, urllib.error.URLError):
        cause: BaseException | None = exc.reason if isinstance(exc.reason, BaseException) else None
    else:
        cause = exc
    match cause:
        case TimeoutError():
            what = "did not answer in time"
        case ValueError() | AttributeError():
            what = "gave an answer that cannot be read"
        case _:
            what = "cannot be reached"
    return SlackDeliveryError(
        f"Slack {what} ({method}, {type(cause).__name__})",
        permanent=False,
        uncertain=not isinstance(cause, _NEVER_CONNECTED),
    )


def _answered(method: str, exc: SlackApiError) -> SlackDeliveryError:
    status: int = exc.response.status_code
    code = _code(exc.response.data)
    refused = HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in transport.PASSING
    permanent = code in _PERMANENT or (refused and not code)
    # A success that cannot be read may be one; so may a server error, where a gateway gave up on Slack.
    unreadable = status >= HTTPStatus.INTERNAL_SERVER_ERROR or (status == HTTPStatus.OK and not code)
    error = SlackDeliveryError(
        f"Slack answered {method} with {code or status}",
        permanent=permanent,
        uncertain=unreadable and not permanent,
        retry_after=transport.retry_after({name.title(): value for name, value in exc.response.headers.items()}),
    )
    error.code = code
    return error


def _code(data: Any) -> str:
    """Slack's error code. Where the body was no JSON, the SDK puts a sentence in its place, or the text itself."""
    code = data.get("error") if isinstance(data, Mapping) else None
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""
