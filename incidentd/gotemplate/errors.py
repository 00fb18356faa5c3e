"""What goes wrong in a template, in Prometheus' words."""


class TemplateError(Exception):
    """A template does not parse or fails; the text is what Prometheus shows as `<error expanding template: ...>`."""


class SyntaxProblem(Exception):  # noqa: N818 - the template's name is still to come
    """A template's text does not parse: what, in which line (from 1), and in which line its action started."""

    def __init__(self, message: str, line: int, started: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.started = started

    def text(self, name: str) -> str:
        """As Go prints it for the template *name*."""
        started = f" started at {name}:{self.started}" if self.started else ""
        return f"template: {name}:{self.line}: {self.message}{started}"


class CallError(Exception):
    """A function refuses its arguments; the message is what Go prints after `error calling name:`."""
