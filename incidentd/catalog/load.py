"""incidentd.yaml and the files it names -> settings and catalog, or every problem found."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from incidentd.catalog import checks, document, environment, explain, files, git, identity, rule_file, runbook_link
from incidentd.catalog import runbook as runbook_module
from incidentd.catalog import silence as silence_module
from incidentd.catalog.authored_rule import AuthoredRule
from incidentd.catalog.catalog import Catalog
from incidentd.catalog.checks.subject import Subject
from incidentd.catalog.config import Config
from incidentd.catalog.document import Document, Loc
from incidentd.catalog.problem import CatalogError, Gravity, Position, Problem
from incidentd.catalog.runbook import Runbook
from incidentd.catalog.silence import PlacedSilence
from incidentd.catalog.surroundings import Surroundings
from incidentd.clock import Clock, SystemClock
from incidentd.settings import Settings, shipped

_YAML = (".yaml", ".yml")
_MARKDOWN = (".md",)
_SQLITE = "sqlite:///"


@dataclass(frozen=True, slots=True)
class Loaded:
    """What incidentd.yaml says. Paths of the settings are absolute; ``rules``, ``runbooks`` and ``silences`` are never
    None."""

    settings: Settings
    catalog: Catalog


def load(config: Path, variables: Mapping[str, str] | None = None, clock: Clock | None = None) -> Loaded:
    """What *config* and the files that it names say, checked. *variables* are those of the process, *clock* that of
    the machine, unless given. Raises CatalogError with all problems found, warnings among them when there is an error.
    """
    loading = _Loading(config, os.environ if variables is None else variables, clock or SystemClock())
    return loading.run()


@dataclass(slots=True)
class _Loading:
    path: Path
    variables: Mapping[str, str]
    clock: Clock
    problems: list[Problem] = field(default_factory=list)
    rules: list[AuthoredRule] = field(default_factory=list)
    recording: int = 0
    runbooks: dict[str, Runbook] = field(default_factory=dict)
    silences: list[PlacedSilence] = field(default_factory=list)

    def run(self) -> Loaded:
        filled = environment.fill(_configuration(self.path), self.variables)
        self.problems += filled.problems
        config = self._config(filled)
        data = filled.document.data if isinstance(filled.document.data, dict) else {}
        surroundings = Surroundings(config.sources, config.prometheus_rules) if config else Surroundings()
        rules = self._files("rules", data.get("rules"), filled.document, _YAML)
        runbooks = self._files("runbooks", data.get("runbooks"), filled.document, _MARKDOWN).keys()
        self._read_rules(rules, surroundings)
        self._read_runbooks(runbooks)
        self._read_silences(self._files("silences", data.get("silences"), filled.document, _YAML).keys())
        known = config or Config.model_construct(sources={})
        catalog = self._with_runbooks(self._catalog(known))
        subject = Subject(known, catalog, filled.document, tuple(self.rules), tuple(self.silences), self.clock.now())
        self.problems += checks.run(subject, only_rules=config is None)
        self.problems = list(dict.fromkeys(self.problems))  # an alias repeats what is wrong with its anchor
        if config is None or any(one.gravity is Gravity.ERROR for one in self.problems):
            raise CatalogError(self.problems)
        return Loaded(self._settings(config), replace(catalog, warnings=tuple(self.problems)))

    def _config(self, filled: environment.Filled) -> Config | None:
        """What incidentd.yaml says, None when it says something wrong."""
        missing = [one.position for one in self.problems]
        try:
            return Config.model_validate(self._absolute(filled.document.data))
        except ValidationError as exc:
            for one in explain.explain(exc, Config, filled.document):
                if not any(_within(variable, one.position) for variable in missing):
                    masked = replace(one, message=filled.masked(one.message), hint=filled.masked(one.hint))
                    self.problems.append(masked)
            return None

    def _absolute(self, data: Any) -> Any:
        """*data* with the paths of ``*_file`` keys made absolute: they are relative to the configuration."""
        if isinstance(data, dict):
            return {
                key: self._beside(value) if key.endswith("_file") and isinstance(value, str) else self._absolute(value)
                for key, value in data.items()
            }
        return [self._absolute(item) for item in data] if isinstance(data, list) else data

    def _beside(self, path: str) -> str:
        return str(self.path.parent / path)

    def _files(self, key: str, authored: Any, config: Document, suffixes: Sequence[str]) -> dict[Path, str]:
        """The files of every path under *key*, once each, with what they are called below it; without the key those
        beside the configuration, else those that ship."""
        default = self._default(key)
        named: dict[Loc, Path] = {(key,): default} if default is not None else {}
        if isinstance(authored, list):
            named = {(key, index): self.path.parent / str(item) for index, item in enumerate(authored)}
        found: dict[Path, str] = {}
        for loc, path in named.items():
            try:
                for file in files.find(path, suffixes):
                    found.setdefault(file, file.name if file == path else file.relative_to(path).as_posix())
            except (OSError, ValueError) as exc:
                reason = "does not exist" if isinstance(exc, FileNotFoundError) else f"cannot be read: {exc}"
                hint = f"paths are relative to {self.path.parent.absolute()}; create it or correct the path"
                self.problems.append(Problem(config.position(loc), f"{path} {reason}", hint))
        return found

    def _default(self, key: str) -> Path | None:
        """The folder beside the configuration, else the one that ships; no silence does."""
        beside = self.path.parent / key
        return beside if beside.is_dir() else None if key == "silences" else shipped(key)

    def _read_rules(self, paths: Mapping[Path, str], surroundings: Surroundings) -> None:
        for path, name in paths.items():
            try:
                documents = document.parse_all(str(path), document.read_text(path))
            except CatalogError as exc:
                self.problems += exc.problems
                continue
            for one in documents:
                content = rule_file.parse(one, surroundings, name)
                self.rules += content.rules
                self.problems += content.problems
                self.recording += content.recording
        rules = identity.distinguish([authored.rule for authored in self.rules])
        self.rules = [replace(authored, rule=rule) for authored, rule in zip(self.rules, rules, strict=True)]

    def _read_runbooks(self, paths: Iterable[Path]) -> None:
        for path in paths:
            if path.stem.lower() == "readme":
                continue
            try:
                text = document.read_text(path)
            except CatalogError as exc:
                self.problems += exc.problems
                text = ""  # it exists: the rules that name it are not to blame
            runbook, problems = runbook_module.parse(str(path), text)
            self.problems += problems
            first = self.runbooks.setdefault(runbook.name, runbook)
            if first is not runbook:
                message = f"there are two runbooks called {runbook.name}: the other is {first.file}"
                self.problems.append(Problem(Position(str(path)), message, "rename one of them"))

    def _with_runbooks(self, catalog: Catalog) -> Catalog:
        """The same with the runbook of each rule that comes from Prometheus, where no template says which it is."""
        for index, authored in enumerate(self.rules):
            if not authored.rule.is_native:
                rule = authored.rule
                found = runbook_link.find(catalog, rule, rule.annotations, rule.labels)
                rule = rule.model_copy(update={"runbook": found.runbook or None, "runbook_url": found.url})
                self.rules[index] = replace(authored, rule=rule)
        return replace(catalog, rules=tuple(authored.rule for authored in self.rules))

    def _read_silences(self, paths: Iterable[Path]) -> None:
        for path in paths:
            try:
                content = silence_module.parse(document.read(path))
            except CatalogError as exc:
                self.problems += exc.problems
                continue
            self.silences += content.silences
            self.problems += content.problems

    def _catalog(self, config: Config) -> Catalog:
        return Catalog(
            rules=tuple(authored.rule for authored in self.rules),
            runbooks=self.runbooks,
            receivers={receiver.name: receiver for receiver in config.receivers},
            route=config.route,
            statuspage=config.statuspage.model_copy(
                update={"out": self.path.parent.absolute() / config.statuspage.out}
            ),
            silences=tuple(placed.silence for placed in self.silences),
            inhibit_rules=config.inhibit_rules,
            time_intervals={one.name: one.time_intervals for one in config.time_intervals},
            commit=git.commit(self.path.parent),
            recording=self.recording,
            positions={authored.rule.id: authored.position("name") for authored in self.rules},
        )

    def _settings(self, config: Config) -> Settings:
        folder = self.path.parent.absolute()
        named = {"rules": config.rules, "runbooks": config.runbooks, "silences": config.silences}
        authored = {key: (self._default(key),) if paths is None else paths for key, paths in named.items()}
        return config.model_copy(
            update={
                **{key: tuple(folder / one for one in paths if one is not None) for key, paths in authored.items()},
                "templates": folder / config.templates if config.templates is not None else None,
                "database": _beside(folder, config.database),
            }
        )


def _within(inner: Position, outer: Position) -> bool:
    same_line = (inner.file, inner.line) == (outer.file, outer.line)
    return same_line and outer.column <= inner.column < outer.column + outer.length


def _configuration(path: Path) -> Document:
    try:
        return document.read(path)
    except CatalogError as exc:
        if path.exists():
            raise
        hint = "name it with --config, or write one to start from with `incidentd init`"
        raise CatalogError(replace(one, hint=hint) for one in exc.problems) from exc


def _beside(folder: Path, url: str) -> str:
    """A SQLite file is relative to the configuration, as every other path in it."""
    file = url.removeprefix(_SQLITE)
    return url if file == url or file.startswith(("/", ":")) else f"{_SQLITE}{folder / file}"
