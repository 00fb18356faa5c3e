"""What every channel offers to delivery, and the one thing that it says when it fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, TypeVar

from incidentd.notify.notification import Notification

Remote = Mapping[str, str]
"""The vendor's keys of what was delivered (Slack channel and ts, Jira issue, ...), stored after each success."""


class DeliveryError(Exception):
    """A notification was not accepted. *permanent* means that a retry cannot help, *uncertain* that the vendor may
    have taken it before the answer was lost, *retry_after* what the vendor asked us to wait. *remote* are the vendor's
    keys of what is there although the attempt failed after it, so that the next one need not look for it."""

    remote: Remote | None = None

    def __init__(
        self, message: str, *, permanent: bool, uncertain: bool = False, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.uncertain = uncertain
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is known of one destination before an attempt.

    *remote* is empty until something is there; *begun* says that it is what a first attempt left that then failed.
    *uncertain* says that an earlier attempt may have arrived although its answer was lost (or the process died): the
    channel must look before it tells again, where it can.
    """

    remote: Remote
    uncertain: bool
    begun: bool = False


DestinationT_contra = TypeVar("DestinationT_contra", contravariant=True)


class Notifier(Protocol[DestinationT_contra]):
    """One channel. `send` makes one attempt to bring one destination to the truth of the notification."""

    def send(self, notification: Notification, destination: DestinationT_contra, attempt: Attempt) -> Remote:
        """The vendor's keys, to be stored. Raises DeliveryError; makes one attempt with a time-out, never retries."""
        ...
