"""Templates of Prometheus rules: text and an alert's data -> text, as Prometheus itself expands it."""

from incidentd.gotemplate.data import Data
from incidentd.gotemplate.errors import CallError, SyntaxProblem, TemplateError
from incidentd.gotemplate.execute import NAMES, Execution
from incidentd.gotemplate.parser import parse
from incidentd.gotemplate.values import Sample

__all__ = ["CallError", "Data", "Sample", "TemplateError", "check", "expand"]

# Prometheus puts this before every template, so places in error texts count it.
_BEFORE = (
    "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"
)
_ACTIONS_BEFORE = 4


def expand(text: str, data: Data, name: str = "__alert_") -> str:
    """*text* with *data*, byte for byte what Prometheus 2.42 makes of it.

    *name* is the template's, `__alert_` and the alert's name; it stands in errors. Raises TemplateError with the text
    that Prometheus shows as `<error expanding template: ...>`, also when the bounds are reached: 100,000 characters,
    10,000 steps, 60 levels.
    """
    if "{{" not in text:
        return text
    tree = parse(_BEFORE + text, NAMES)
    if isinstance(tree, SyntaxProblem):
        raise TemplateError(f"error parsing template {name}: {tree.text(name)}")
    return Execution(tree, name, data).run(_ACTIONS_BEFORE)


def check(text: str, name: str = "__alert_") -> None:
    """Raises TemplateError if *text* does not parse."""
    tree = parse(_BEFORE + text, NAMES)
    if isinstance(tree, SyntaxProblem):
        raise TemplateError(f"error parsing template {name}: {tree.text(name)}")
