"""Our templates against the real renderer: every case is an annotation of an alert of a real Prometheus."""

import json
import math
import random
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from incidentd.demo.prometheus import Prometheus
from incidentd.gotemplate import CallError, Data, Sample, TemplateError, expand
from incidentd.gotemplate.execute import NAMES

pytestmark = pytest.mark.integration

DEADLINE_S = 60.0
EXTERNAL_LABELS = {"cluster": "eu-1", "replica": "a"}
LABELS = {
    "instance": "10.0.0.1:9100",
    "job": "api",
    "empty_ish": "-",
    "text": 'O\'Neil & <b>"x"</b> = ü\\n',
    "n": "42.5",
}
VALUES = (
    "0", "-0", "1", "-1", "93.7", "0.1235", "1234567.891", "-1234567.891", "1e21", "1e20", "123456789012345680", "1e-7",
    "0.00001234", "100000", "1000000", "999999", "1024", "1048576.5", "93", "3725", "1209372.5", "0.5", "-0.0042",
    "1.7e9", "1700000000.123", "-1.5", "1e300", "5e-324", "NaN", "Inf", "-Inf", "1e19", "59.9999", "60",
)  # fmt: skip
ADDRESS = re.compile(r"0xc[0-9a-f]{9}")


class Renderer:
    """A Prometheus whose alerts have our cases as annotations, one alert for each of VALUES."""

    def __init__(self, server: Prometheus, directory: Path) -> None:
        self.server = server
        self.directory = directory
        self.turn = 0

    def render(self, cases: Sequence[str]) -> dict[str, list[str]]:
        """What Prometheus makes of *cases* with each of VALUES."""
        self.turn += 1
        rules = [
            {
                "alert": f"Turn{self.turn}",
                "expr": expression(value),
                "labels": {"at": str(at)},
                "annotations": {f"c{number}": case for number, case in enumerate(cases)},
            }
            for at, value in enumerate(VALUES)
        ]
        config = {
            "global": {"evaluation_interval": "1s", "external_labels": EXTERNAL_LABELS},
            "rule_files": ["rules.yml"],
        }
        (self.directory / "rules.yml").write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}))
        (self.directory / "prometheus.yml").write_text(json.dumps(config))
        self.post("/-/reload")
        alerts = self.alerts()
        return {
            value: [alerts[at]["annotations"][f"c{number}"] for number in range(len(cases))]
            for at, value in enumerate(VALUES)
        }

    def alerts(self) -> dict[int, dict[str, dict[str, str]]]:
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            found = {
                int(alert["labels"]["at"]): alert
                for alert in self.get("/api/v1/alerts")["alerts"]
                if alert["labels"]["alertname"] == f"Turn{self.turn}"
            }
            if len(found) == len(VALUES):
                return found
            time.sleep(0.1)
        raise AssertionError("Prometheus did not evaluate the rules")

    def get(self, path: str) -> dict[str, list[dict[str, dict[str, str]]]]:
        with urllib.request.urlopen(self.server.url + path, timeout=10) as answer:  # noqa: S310 - our own server
            data: dict[str, list[dict[str, dict[str, str]]]] = json.load(answer)["data"]
            return data

    def post(self, path: str) -> None:
        request = urllib.request.Request(self.server.url + path, method="POST")  # noqa: S310 - our own server
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310

    def query(self, text: str) -> list[Sample]:
        path = "/api/v1/query?" + urllib.parse.urlencode({"query": text})
        try:
            with urllib.request.urlopen(self.server.url + path, timeout=10) as answer:  # noqa: S310 - our own server
                found = json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                raise CallError(json.load(error)["error"].removeprefix('invalid parameter "query": ')) from error
        if found["resultType"] == "scalar":
            return [Sample({}, float(found["result"][1]))]
        return [Sample(sample["metric"], float(sample["value"][1])) for sample in found["result"]]

    def ours(self, case: str, value: str, url: str) -> str:
        data = Data(LABELS, float(value), EXTERNAL_LABELS, url, self.query)
        try:
            return expand(case, data, f"__alert_Turn{self.turn}")
        except TemplateError as error:
            return f"<error expanding template: {error}>"

    def differences(self, cases: Sequence[str]) -> list[str]:
        theirs = self.render([*cases, "{{ $externalURL }}"])
        out = []
        for value, texts in theirs.items():
            for case, text in zip(cases, texts, strict=False):
                mine = ADDRESS.sub("0xc000000000", self.ours(case, value, texts[-1]))
                if mine != ADDRESS.sub("0xc000000000", text):
                    out.append(f"{case!r} at {value}:\n  theirs {text!r}\n  ours   {mine!r}")
        return out


def expression(value: str) -> str:
    inner = f"vector({value})"
    for name, text in LABELS.items():
        inner = f"label_replace({inner}, {name!s}, {json.dumps(text, ensure_ascii=False)}, '', '')".replace(
            f" {name},", f' "{name}",'
        )
    return inner


@pytest.fixture(scope="module")
def renderer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Renderer]:
    directory = tmp_path_factory.mktemp("prometheus")
    with Prometheus(rules='{"groups": []}', data_dir=directory) as server:
        yield Renderer(server, directory)


WRITTEN = Path(__file__).with_name("gotemplates.txt").read_text().splitlines()


def test_every_written_case_reads_as_prometheus_prints_it(renderer: Renderer) -> None:
    cases = [line.replace("⏎", "\n") for line in WRITTEN if line and not line.startswith("# ")]
    assert len(cases) > 200
    assert renderer.differences(cases) == []


def _operand(choose: random.Random) -> str:
    return choose.choice(
        [
            "$value", ".Value", "$labels.instance", "$labels.n", "$labels.nope", "$labels", ".Labels.text",
            "$labels.job", '"abc"', '"%v|%d|%s"', '"%5.1f"', '"1.5"', '"(a|b)+"', "1", "-3", "2.5", "1e3", "0x1F",
            "'a'", "true", "nil",
            "$externalLabels", "$externalURL", ".", "0", "`raw`", "100000000000000000000",
        ]
    )  # fmt: skip


FUNCTIONS = sorted(set(NAMES) - {"now"})
ARGUMENTS = {"printf": 3, "index": 2, "slice": 3, "eq": 2, "ne": 2, "lt": 2, "gt": 2, "le": 2, "ge": 2, "match": 2}


def _call(choose: random.Random, depth: int) -> str:
    name = choose.choice(FUNCTIONS)
    count = max(0, ARGUMENTS.get(name, 1) + choose.choice([0, 0, 0, 0, -1, 1]))
    args = [
        f"({_pipe(choose, depth - 1)})" if depth and choose.random() < 0.3 else _operand(choose) for _ in range(count)
    ]
    return " ".join([name, *args])


def _pipe(choose: random.Random, depth: int) -> str:
    first = _call(choose, depth) if choose.random() < 0.7 else _operand(choose).replace("nil", "true")
    stages = [_call(choose, 0) for _ in range(choose.choice([0, 0, 1, 1, 2]))]
    return " | ".join([first, *stages])


def _format(choose: random.Random) -> str:
    """A printf with verbs that nobody would write."""
    verbs = [
        "%"
        + "".join(choose.sample("+-# 0", choose.choice([0, 0, 1, 2])))
        + choose.choice(["", "", "", "5", "12", "1", "*", "[1]", "[2]*"])
        + choose.choice(["", "", ".", ".0", ".2", ".5", ".*", ".[1]*"])
        + choose.choice("vvdsfgeqxXtTcUobEGz%!")
        for _ in range(choose.choice([1, 2, 3]))
    ]
    values = [
        "$value",
        "5",
        "-42",
        "2.5",
        '"aü\\n"',
        "true",
        "nil",
        "$labels",
        "'x'",
        "1i",
        '(index "a" 0)',
        "0",
        "-0.0",
    ]
    chosen = " ".join(choose.choice(values) for _ in range(choose.choice([1, 2, 3])))
    return f"{{{{ printf {json.dumps(' '.join(verbs))} {chosen} }}}}"


def _regex(choose: random.Random, depth: int = 3) -> str:
    parts = []
    for _ in range(choose.choice([1, 1, 2, 3])):
        part = choose.choice(
            ["a", "b", "c", ".", "[ab]", "[^a]", "\\d", "\\w", "\\b", "^", "$", "[[:alpha:]]", "ü", "\\pL"]
        )
        if depth and choose.random() < 0.4:
            part = choose.choice(["(%s)", "(?:%s)", "(?i:%s)", "(?P<n>%s)", "(?s:%s)"]) % _regex(choose, depth - 1)
        parts.append(part + choose.choice(["", "", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,3}?"]))
    branches = [_regex(choose, 0)] if choose.random() < 0.25 else []
    return "|".join(["".join(parts), *branches])


def _replacement(choose: random.Random) -> str:
    pattern, text = _regex(choose), "".join(choose.choice("aabbc1 AüB\n-") for _ in range(choose.randrange(12)))
    shown = [json.dumps(part, ensure_ascii=False) for part in (pattern, "<$0|$1|${2}|${n}>", text)]
    return f"{{{{ reReplaceAll {' '.join(shown)} }}}}"


def _template(choose: random.Random) -> str:
    kind = choose.random()
    if kind < 0.2:
        return _format(choose)
    if kind < 0.4:
        return _replacement(choose)
    shape = choose.choice(["{{ %s }}"] * 6 + ["{{ if %s }}yes{{ else }}no{{ end }}", "{{ with %s }}[{{ . }}]{{ end }}"])
    return shape % _pipe(choose, 2)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_made_up_templates_read_as_prometheus_prints_them(renderer: Renderer, seed: int) -> None:
    choose = random.Random(seed)  # noqa: S311 - no secret
    cases = [_template(choose) for _ in range(300)]
    good = [case for case in cases if _parses(case)]
    assert len(good) > 250
    assert renderer.differences(good) == []


def _parses(case: str) -> bool:
    try:
        expand(case, Data({}, math.nan))
    except TemplateError as error:
        return not str(error).startswith("error parsing")
    return True


BROKEN = Path(__file__).with_name("gotemplates_broken.txt").read_text().splitlines()


def test_what_does_not_parse_is_refused_in_the_same_words(tmp_path: Path) -> None:
    cases = [line.replace("⏎", "\n") for line in BROKEN if line]
    rules = [{"alert": f"A{at}", "expr": "up", "annotations": {"text": case}} for at, case in enumerate(cases)]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "g", "rules": rules}]}))
    done = subprocess.run(
        ["promtool", "check", "rules", "rules.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    theirs = dict(re.findall(r'annotation "text": (template: __alert_(A\d+):.*)', done.stderr + done.stdout))
    told = {name: text for text, name in theirs.items()}
    ours = {}
    for at, case in enumerate(cases):
        try:
            expand(case, Data({}, 0.0), f"__alert_A{at}")
        except TemplateError as error:
            if str(error).startswith("error parsing"):
                ours[f"A{at}"] = str(error).removeprefix(f"error parsing template __alert_A{at}: ")
    wrong = {name: (cases[int(name[1:])], told.get(name), ours.get(name)) for name in told.keys() | ours.keys()}
    assert {name: row for name, row in wrong.items() if row[1] != row[2]} == {}
