"""The whole of incidentd.yaml: settings, and who is told what."""

from __future__ import annotations

from incidentd.catalog.component import StatusPage
from incidentd.catalog.inhibit_rule import InhibitRule
from incidentd.catalog.prometheus_settings import PrometheusRules
from incidentd.catalog.receiver import Receiver
from incidentd.catalog.route import Route
from incidentd.catalog.time_interval import TimeIntervals
from incidentd.settings import Settings


class Config(Settings):
    """The settings with what routes people and the public."""

    receivers: tuple[Receiver, ...] = ()
    route: Route = Route()
    time_intervals: tuple[TimeIntervals, ...] = ()
    inhibit_rules: tuple[InhibitRule, ...] = ()
    statuspage: StatusPage = StatusPage()
    prometheus_rules: PrometheusRules = PrometheusRules()
