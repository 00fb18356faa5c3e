"""The board -> the JSON of Statuspage's public API v2, by path.

Shapes: https://metastatuspage.com/api. *url* is the address of the page, with a trailing slash.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from incidentd.statuspage.board import Board
from incidentd.statuspage.component import ComponentHistory
from incidentd.statuspage.incident import PublicIncident, Update
from incidentd.statuspage.maintenance import MaintenanceStage, PublicMaintenance
from incidentd.statuspage.status import Status, worst

LISTED_INCIDENTS = 50
_UNDER_MAINTENANCE = "under_maintenance"

_INDICATED = {
    Status.OPERATIONAL: "All Systems Operational",
    Status.DEGRADED: "Partially Degraded Service",
    Status.PARTIAL: "Partial System Outage",
    Status.MAJOR: "Major Service Outage",
}


def files(board: Board, url: str) -> dict[str, str]:
    """The text of every file under ``api/v2/``, by path."""
    return {f"api/v2/{path}.json": _text(document) for path, document in documents(board, url).items()}


def documents(board: Board, url: str) -> dict[str, dict[str, Any]]:
    """Every answer of the API, by path without ``.json``."""
    wire = _Wire(board, url)
    page = {"page": wire.page()}
    status = {"status": _indicated(board)}
    components = {"components": wire.components()}
    unresolved = {"incidents": [wire.incident(one) for one in board.unresolved]}
    announced = [one for one in board.maintenances if one.stage is not MaintenanceStage.COMPLETED]
    return {
        "summary": page | components | unresolved | wire.maintenances(announced) | status,
        "status": page | status,
        "components": page | components,
        "incidents": page | {"incidents": [wire.incident(one) for one in board.incidents[:LISTED_INCIDENTS]]},
        "incidents/unresolved": page | unresolved,
        "scheduled-maintenances": page | wire.maintenances(board.maintenances[::-1][:LISTED_INCIDENTS]),
        "scheduled-maintenances/upcoming": page | wire.maintenances(board.scheduled),
        "scheduled-maintenances/active": page | wire.maintenances(board.in_progress),
    }


def _indicated(board: Board) -> dict[str, str]:
    if board.in_progress and board.status is Status.OPERATIONAL:
        return {"indicator": "maintenance", "description": "Service Under Maintenance"}
    return {"indicator": board.status.impact, "description": _INDICATED[board.status]}


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")) + "\n"


class _Wire:
    """Writes one board's values as Statuspage does: ids as text, times in the page's zone, null where unset."""

    def __init__(self, board: Board, url: str) -> None:
        self.board = board
        self.url = url
        self.page_id = _id(url)
        self._components = {one.component.id: self._component(one, index) for index, one in self._positions()}

    def _positions(self) -> Sequence[tuple[int, ComponentHistory]]:
        return list(enumerate(self.board.components, start=1))

    def page(self) -> dict[str, Any]:
        """*updated_at* is the time of generation, so that a reader can tell a page that nobody updates any more."""
        return {
            "id": self.page_id,
            "name": self.board.page.title,
            "url": self.url.rstrip("/"),
            "time_zone": self.board.page.time_zone,
            "updated_at": self._time(self.board.at),
        }

    def components(self) -> list[dict[str, Any]]:
        return [*self._components.values(), *self._groups()]

    def _component(self, one: ComponentHistory, position: int) -> dict[str, Any]:
        authored = one.component
        return self._entry(
            authored.id,
            authored.name,
            _UNDER_MAINTENANCE if one.is_maintained else one.status.value,
            position=position,
            updated_at=one.since or self.board.begins,
            description=authored.description or None,
            group_id=self._group_id(authored.group) if authored.group else None,
        )

    def _groups(self) -> list[dict[str, Any]]:
        members: dict[str, list[ComponentHistory]] = {}
        for one in self.board.components:
            if one.component.group:
                members.setdefault(one.component.group, []).append(one)
        first = len(self.board.components) + 1
        return [
            self._entry(
                self._group_id(name),
                name,
                _status_of_group(group),
                position=position,
                updated_at=max((one.since or self.board.begins for one in group), default=self.board.begins),
            )
            | {"group": True, "components": [one.component.id for one in group]}
            for position, (name, group) in enumerate(members.items(), start=first)
        ]

    def _entry(
        self,
        component_id: str,
        name: str,
        status: str,
        *,
        position: int,
        updated_at: datetime,
        description: str | None = None,
        group_id: str | None = None,
    ) -> dict[str, Any]:
        """When a component was authored is not recorded: the beginning of what is shown stands in for it."""
        return {
            "id": component_id,
            "name": name,
            "status": status,
            "created_at": self._time(self.board.begins),
            "updated_at": self._time(updated_at),
            "position": position,
            "description": description,
            "showcase": True,
            "start_date": None,
            "group_id": group_id,
            "page_id": self.page_id,
            "group": False,
            "only_show_if_degraded": False,
        }

    def incident(self, one: PublicIncident) -> dict[str, Any]:
        return {
            "id": one.uid,
            "name": one.name,
            "status": one.stage.value,
            "created_at": self._time(one.started_at),
            "updated_at": self._time(one.updated_at),
            "monitoring_at": self._time(one.monitoring_at) if one.monitoring_at else None,
            "resolved_at": self._time(one.resolved_at) if one.resolved_at else None,
            "impact": one.status.impact,
            "shortlink": f"{self.url}incidents/{one.uid}.html",
            "started_at": self._time(one.started_at),
            "page_id": self.page_id,
            "incident_updates": [self._update(one, update) for update in reversed(one.updates)],
            "components": [self._components[one.component.id]],
            "reminder_intervals": None,
        }

    def maintenances(self, listed: Sequence[PublicMaintenance]) -> dict[str, Any]:
        return {"scheduled_maintenances": [self._maintenance(one) for one in listed]}

    def _maintenance(self, one: PublicMaintenance) -> dict[str, Any]:
        """What was announced once has one update: when it begins or ends, its status changes."""
        maintenance_id = _id(f"{self.url}#maintenance-{one.source}")
        begins = self._time(one.starts_at or self.board.begins)
        at = self._time(one.changed_at or self.board.begins)
        return {
            "id": maintenance_id,
            "name": one.title,
            "status": one.stage.value,
            "created_at": begins,
            "updated_at": at,
            "monitoring_at": None,
            "resolved_at": at if one.stage is MaintenanceStage.COMPLETED else None,
            "impact": "maintenance",
            "shortlink": self.url,
            "started_at": begins,
            "page_id": self.page_id,
            "incident_updates": [
                {
                    "id": f"{maintenance_id}-1",
                    "status": one.stage.value,
                    "body": one.message or one.title,
                    "incident_id": maintenance_id,
                    "created_at": at,
                    "updated_at": at,
                    "display_at": at,
                    "affected_components": [],
                    "deliver_notifications": False,
                    "custom_tweet": None,
                    "tweet_id": None,
                }
            ],
            "components": [self._components[component.id] for component in one.components],
            "scheduled_for": begins,
            **({"scheduled_until": self._time(one.ends_at)} if one.ends_at is not None else {}),
        }

    def _update(self, incident: PublicIncident, update: Update) -> dict[str, Any]:
        at = self._time(update.at)
        component = incident.component
        return {
            "id": update.id,
            "status": update.stage.value,
            "body": update.text,
            "incident_id": incident.uid,
            "created_at": at,
            "updated_at": at,
            "display_at": at,
            "affected_components": [
                {
                    "code": component.id,
                    "name": f"{component.group} - {component.name}" if component.group else component.name,
                    "old_status": update.before.value,
                    "new_status": update.after.value,
                }
            ],
            "deliver_notifications": True,
            "custom_tweet": None,
            "tweet_id": None,
        }

    def _group_id(self, name: str) -> str:
        return _id(f"{self.url}#{name}")

    def _time(self, at: datetime) -> str:
        return at.astimezone(self.board.zone).isoformat(timespec="milliseconds")


def _status_of_group(group: Sequence[ComponentHistory]) -> str:
    status = worst(one.status for one in group)
    maintained = status is Status.OPERATIONAL and any(one.is_maintained for one in group)
    return _UNDER_MAINTENANCE if maintained else status.value


def _id(name: str) -> str:
    return uuid5(NAMESPACE_URL, name).hex[:12]
