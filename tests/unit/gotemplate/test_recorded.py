"""The texts of a real Prometheus 2.42, recorded; the integration test asks it anew."""

import json
from pathlib import Path

import pytest

from incidentd.gotemplate import CallError, Data, Sample, TemplateError, expand

RECORDED: list[tuple[str, str, str]] = [
    tuple(row) for row in json.loads(Path(__file__).with_name("prometheus_2_42.json").read_text())
]
LABELS = {
    "instance": "10.0.0.1:9100",
    "job": "api",
    "empty_ish": "-",
    "text": 'O\'Neil & <b>"x"</b> = ü\\n',
    "n": "42.5",
}
A, B = Sample({"a": "a"}, 3.0), Sample({"a": "b"}, 5.0)
REPLACED = 'label_replace(vector(5), "a", "b", "", "")'
ANSWERS = {
    "vector(5)": [Sample({}, 5.0)],
    "vector(1)": [Sample({}, 1.0)],
    "scalar(vector(3))": [Sample({}, 3.0)],
    REPLACED: [B],
    f'{REPLACED} or label_replace(vector(3), "a", "a", "", "")': [B, A],
}


def _query(text: str) -> list[Sample]:
    if text == "nonsense(":
        raise CallError("1:10: parse error: unclosed left parenthesis")
    return ANSWERS.get(text, [])


@pytest.mark.parametrize(("template", "value", "text"), RECORDED)
def test_it_reads_as_prometheus_printed_it(template: str, value: str, text: str) -> None:
    data = Data(LABELS, float(value), {"cluster": "eu-1", "replica": "a"}, "http://prometheus:9090", _query)
    try:
        ours = expand(template, data, "__alert_X")
    except TemplateError as error:
        ours = f"<error expanding template: {error}>"
    assert ours == text
