"""The functions that Prometheus adds."""

import ipaddress
import urllib.parse

from incidentd.gotemplate import humanize, layout, regexp
from incidentd.gotemplate.errors import CallError
from incidentd.gotemplate.functions import ANY, STRING, Function, Surroundings, table
from incidentd.gotemplate.values import SAMPLE, SAMPLES, Args, Html, Nothing, Sample, Samples, Time
from incidentd.gotemplate.verbs import MAX_LENGTH

_NIL_POINTER = "runtime error: invalid memory address or nil pointer dereference"
MAX_SAMPLES = 10_000
STEPS_PER_QUERY = 500  # of 10,000: one expansion asks at most 20 times


def _query(around: Surroundings, expression: str) -> Samples:
    if around.data.query is None:
        raise CallError("queries are not possible here")
    around.spend(STEPS_PER_QUERY)
    answer = around.data.query(expression)
    if len(answer) > MAX_SAMPLES:
        raise CallError(f"more than {MAX_SAMPLES} samples")
    return Samples(Sample(dict(sample.labels), float(sample.value)) for sample in answer)


def _first(samples: Samples | Nothing) -> Sample:
    if isinstance(samples, Nothing) or not samples:
        raise CallError("first() called on vector with no elements")
    return samples[0]


def _sample(sample: Sample | Nothing) -> Sample:
    if isinstance(sample, Nothing):
        raise CallError(_NIL_POINTER)
    return sample


def _label(name: str, sample: Sample | Nothing) -> str:
    return _sample(sample).labels.get(name, "")


def _value(sample: Sample | Nothing) -> float:
    return _sample(sample).value


def _strvalue(sample: Sample | Nothing) -> str:
    return _sample(sample).labels.get("__value__", "")


def _sort_by_label(name: str, samples: Samples | Nothing) -> Samples | Nothing:
    """In place, as in Prometheus: a variable that holds the same list sees it sorted."""
    if isinstance(samples, Samples):
        samples.sort(key=lambda sample: sample.labels.get(name, ""))
    return samples


def _args(*values: object) -> Args:
    args = Args((f"arg{at}", value) for at, value in enumerate(values))
    args.size = sum(_size(value) for value in values)
    if args.size > MAX_LENGTH:
        raise CallError(f"more than {MAX_LENGTH} characters")
    return args


def _size(value: object) -> int:
    if isinstance(value, Args):
        return value.size
    return len(value) if isinstance(value, str | dict | Samples) else 1


def _title(text: str) -> str:
    out: list[str] = []
    before = " "
    for char in text:
        out.append(_one_rune(char, char.title()) if _separates(before) else char)
        before = char
    return "".join(out)


def _separates(char: str) -> bool:
    if char == "_" or char.isalpha() or char.isdecimal():
        return False
    return char.isascii() or char.isspace()


def _one_rune(char: str, mapped: str) -> str:
    """Go maps letter by letter; one that would become two stays."""
    return mapped if len(mapped) == 1 else char


def _to_upper(text: str) -> str:
    return "".join(_one_rune(char, char.upper()) for char in text)


def _to_lower(text: str) -> str:
    return "".join(_one_rune(char, char.lower()) for char in text)


def _split_host_port(address: str) -> tuple[str, str] | None:
    """Host and port; None where Go's net.SplitHostPort gives an error."""
    colon = address.rfind(":")
    if colon < 0:
        return None
    if address.startswith("["):
        end = address.find("]")
        if end < 0 or end + 1 != colon:
            return None
        host, rest = address[1:end], (address[1:], address[end + 1 :])
    else:
        host, rest = address[:colon], (address, address)
        if ":" in host:
            return None
    if "[" in rest[0] or "]" in rest[1]:
        return None
    return host, address[colon + 1 :]


def _strip_port(address: str) -> str:
    split = _split_host_port(address)
    return address if split is None else split[0]


def _strip_domain(address: str) -> str:
    host, port = _split_host_port(address) or (address, "")
    if _is_ip(host):
        return address
    short = host.split(".")[0]
    return f"{f'[{short}]' if ':' in short else short}:{port}" if port else short


def _is_ip(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return "%" not in str(address)


def _graph_link(expression: str) -> str:
    return _link(expression, 0)


def _table_link(expression: str) -> str:
    return _link(expression, 1)


def _link(expression: str, tab: int) -> str:
    return f"/graph?g0.expr={urllib.parse.quote_plus(expression, safe='~', errors='replace')}&g0.tab={tab}"


def _path_prefix(around: Surroundings) -> str:
    return urllib.parse.unquote(urllib.parse.urlsplit(around.data.external_url).path)


def _external_url(around: Surroundings) -> str:
    return around.data.external_url


def _now(around: Surroundings) -> float:
    if around.data.now is None:
        raise CallError("the time is not known here")
    return around.data.now.timestamp()


PROMETHEUS = table(
    Function("query", (STRING,), _query, wants_around=True),
    Function("first", (SAMPLES,), _first),
    Function("label", (STRING, SAMPLE), _label),
    Function("value", (SAMPLE,), _value),
    Function("strvalue", (SAMPLE,), _strvalue),
    Function("sortByLabel", (STRING, SAMPLES), _sort_by_label),
    Function("args", (), _args, rest=ANY),
    Function("reReplaceAll", (STRING, STRING, STRING), regexp.replace_all, wants_around=True),
    Function("match", (STRING, STRING), regexp.match, wants_around=True),
    Function("safeHtml", (STRING,), Html),
    Function("title", (STRING,), _title),
    Function("toUpper", (STRING,), _to_upper),
    Function("toLower", (STRING,), _to_lower),
    Function("graphLink", (STRING,), _graph_link),
    Function("tableLink", (STRING,), _table_link),
    Function("stripPort", (STRING,), _strip_port),
    Function("stripDomain", (STRING,), _strip_domain),
    Function("humanize", (ANY,), humanize.humanize),
    Function("humanize1024", (ANY,), humanize.humanize1024),
    Function("humanizeDuration", (ANY,), humanize.duration),
    Function("humanizePercentage", (ANY,), humanize.percentage),
    Function("humanizeTimestamp", (ANY,), humanize.timestamp),
    Function("toTime", (ANY,), humanize.to_time),
    Function("parseDuration", (STRING,), humanize.parse_duration),
    Function("pathPrefix", (), _path_prefix, wants_around=True),
    Function("externalURL", (), _external_url, wants_around=True),
    Function("now", (), _now, wants_around=True),
)
TIME_METHODS = {
    "Format": Function("Format", (STRING,), lambda time, form: layout.render(time.at, form)),
    "Unix": Function("Unix", (), lambda time: humanize.milliseconds(time.at) // 1000),
    "UnixMilli": Function("UnixMilli", (), lambda time: humanize.milliseconds(time.at)),
    "Year": Function("Year", (), lambda time: time.at.year),
    "Day": Function("Day", (), lambda time: time.at.day),
    "Hour": Function("Hour", (), lambda time: time.at.hour),
    "Minute": Function("Minute", (), lambda time: time.at.minute),
    "Second": Function("Second", (), lambda time: time.at.second),
    "YearDay": Function("YearDay", (), lambda time: time.at.timetuple().tm_yday),
    "String": Function("String", (), lambda time: layout.text(time.at)),
    "UTC": Function("UTC", (), lambda time: Time(time.at)),
}
