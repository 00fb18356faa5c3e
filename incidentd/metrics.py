"""What incidentd says about itself at /metrics, in a registry of its own."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

REGISTRY = CollectorRegistry()

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

EVALUATIONS = Counter(
    "incidentd_rule_evaluations_total",
    "Rule evaluations by outcome: known or unknown.",
    ["source", "outcome"],
    registry=REGISTRY,
)
EVALUATION_SECONDS = Histogram(
    "incidentd_group_evaluation_seconds",
    "Time to evaluate one group of rules.",
    ["source"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
EVALUATION_LAG_SECONDS = Gauge(
    "incidentd_group_lag_seconds",
    "How late the newest slot of a group was begun.",
    ["group"],
    registry=REGISTRY,
)
SLOT_LATENESS_SECONDS = Histogram(
    "incidentd_slot_lateness_seconds",
    "How long after its time a slot was evaluated and written.",
    ["source"],
    buckets=(0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
    registry=REGISTRY,
)
MISSED_SLOTS = Counter(
    "incidentd_missed_slots_total",
    "Evaluations of a rule that did not take place at their time: replayed from history, or lost.",
    ["source", "outcome"],
    registry=REGISTRY,
)
SOURCE_REQUESTS = Counter(
    "incidentd_source_requests_total",
    "Requests to a source by outcome.",
    ["source", "outcome"],
    registry=REGISTRY,
)
SOURCE_SECONDS = Histogram(
    "incidentd_source_request_seconds",
    "Time that a source took to answer.",
    ["source"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
SOURCE_PACK_SIZE = Histogram(
    "incidentd_source_pack_size",
    "Different expressions in one request to a source.",
    ["source"],
    buckets=(1, 2, 5, 10, 25, 50, 100, 250, 1000),
    registry=REGISTRY,
)
SOURCE_SAMPLES = Counter(
    "incidentd_source_samples_total", "Samples that a source answered with.", ["source"], registry=REGISTRY
)
SOURCE_QUARANTINED = Gauge(
    "incidentd_source_quarantined", "Expressions that are kept out of packs for a while.", ["source"], registry=REGISTRY
)
ALERTS = Gauge("incidentd_alerts", "Alerts by phase.", ["phase"], registry=REGISTRY)
INCIDENTS = Gauge(
    "incidentd_incidents", "Open incidents by state and severity.", ["state", "severity"], registry=REGISTRY
)
OUTBOX_DEPTH = Gauge("incidentd_outbox_depth", "Notifications that wait to be delivered.", registry=REGISTRY)
OUTBOX_AGE_SECONDS = Gauge(
    "incidentd_outbox_age_seconds", "Age of the oldest notification that waits.", registry=REGISTRY
)
DELIVERIES = Counter(
    "incidentd_deliveries_total",
    "Delivery attempts by channel and outcome.",
    ["channel", "outcome"],
    registry=REGISTRY,
)
DELIVERY_SECONDS = Histogram(
    "incidentd_delivery_seconds",
    "Time of one delivery attempt.",
    ["channel"],
    buckets=_SECONDS,
    registry=REGISTRY,
)
LAST_DELIVERY = Gauge(
    "incidentd_last_delivery_timestamp_seconds",
    "When a delivery last succeeded.",
    ["channel"],
    registry=REGISTRY,
)
SILENCES = Gauge("incidentd_silences", "Silences by state.", ["state"], registry=REGISTRY)
MUTED_PAGES = Counter(
    "incidentd_muted_pages_total",
    "Pages that somebody did not get at their time because of a mute, by reason.",
    ["reason"],
    registry=REGISTRY,
)
CALLBACKS = Counter(
    "incidentd_callbacks_total",
    "Requests from vendors by outcome: accepted, stale, refused.",
    ["vendor", "outcome"],
    registry=REGISTRY,
)
RELOADS = Counter("incidentd_reloads_total", "Reloads of the catalog by outcome.", ["outcome"], registry=REGISTRY)
PUBLICATIONS = Counter(
    "incidentd_statuspage_publications_total",
    "Publications of the status page by outcome.",
    ["outcome"],
    registry=REGISTRY,
)
LOOP_FAILURES = Counter(
    "incidentd_loop_failures_total",
    "Unexpected errors caught at the top of a loop.",
    ["loop"],
    registry=REGISTRY,
)
