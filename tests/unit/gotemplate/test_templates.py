# ruff: noqa: E501 - tables of texts
"""What templates read as; the integration test compares far more of them with Prometheus itself."""

import math
from datetime import UTC, datetime

import pytest

from incidentd.gotemplate import Data, Sample, TemplateError, check, expand

LABELS = {"instance": "10.0.0.1:9100", "job": "api", "n": "42.5"}
SAMPLES = [Sample({"__name__": "up", "zone": "b"}, 3.0), Sample({"zone": "a"}, 1.5)]
DATA = Data(
    LABELS,
    93.7,
    {"cluster": "eu-1"},
    "http://prometheus:9090/base",
    query=lambda text: [] if text == "none" else SAMPLES,
    now=datetime(2026, 11, 25, tzinfo=UTC),
)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("no braces at all }}", "no braces at all }}"),
        ("{{ $value }}", "93.7"),
        ("{{ $labels }}", "map[instance:10.0.0.1:9100 job:api n:42.5]"),
        ("{{ $labels.job }} {{ .Labels.instance }}", "api 10.0.0.1:9100"),
        ("[{{ $labels.nope }}]", "[]"),
        ('{{ index .Labels "foo-bar" | len }}', "0"),
        ("{{ $externalLabels.cluster }} {{ .ExternalURL }} {{ pathPrefix }}", "eu-1 http://prometheus:9090/base /base"),
        ("{{ . }}", "{map[instance:10.0.0.1:9100 job:api n:42.5] map[cluster:eu-1] http://prometheus:9090/base 93.7}"),
        ("{{ 1 }} {{ -1.50 }} {{ 0x1F }} {{ 'a' }} {{ true }} {{ 1e3 }} {{ 1_000 }}", "1 -1.5 31 97 true 1000 1000"),
        ("{{ `raw\\n` }} {{ \"\\t\\u00fc\\x41\\101\" }} {{ '\\n' }}", "raw\\n \tüAA 10"),
        ("{{ 1+2i }} {{ 2i }} {{ 0b11 }} {{ 0o17 }} {{ 0x1p4 }}", "(1+2i) (0+2i) 3 15 16"),
        ("a {{- /* said */ -}} b {{- $value -}} c", "ab93.7c"),
        ("{{ print nil }} {{ print 1 2 }} {{ print 1 `a` }} {{ println 1 `a` }}", "<nil> 1 2 1a 1 a\n"),
        ("{{ (index $labels `job`) | toUpper }}", "API"),
        ('{{ slice "abcdef" 1 3 }} {{ index "abc" 1 }} {{ len "ü" }}', "bc 98 2"),
        ("{{ and 1 0 }} {{ or `` `x` }} {{ not 1 }} {{ true | and false }}", "0 x false false"),
        ("{{ eq $labels.job `b` `api` }} {{ ne 1 2 }} {{ lt 1 2 }} {{ ge `b` `a` }} {{ gt $value 93.7 }}", "true true true true false"),
        ("{{ eq nil nil }} {{ eq 1 nil }} {{ eq (index `a` 0) 97 }} {{ le 2.5 2.5 }}", "true false true true"),
    ],
)  # fmt: skip
def test_values_and_operators(template: str, text: str) -> None:
    assert expand(template, DATA) == text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ if gt $value 90.0 }}high{{ else if gt $value 50.0 }}middle{{ else }}low{{ end }}", "high"),
        ("{{ if lt $value 50.0 }}low{{ else if lt $value 99.0 }}middle{{ else }}high{{ end }}", "middle"),
        ("{{ with $labels.job }}<{{ . }}>{{ end }}{{ with $labels.nope }}a{{ else }}b{{ end }}", "<api>b"),
        ("{{ with `` }}{{ else with `x` }}{{ . }}{{ end }}", "x"),
        ("{{ range $k, $v := $labels }}{{ $k }}={{ $v }} {{ end }}", "instance=10.0.0.1:9100 job=api n=42.5 "),
        ("{{ range $i, $s := query `up` }}{{ $i }}:{{ $s.Labels.zone }} {{ end }}", "0:b 1:a "),
        ("{{ range query `none` }}x{{ else }}none{{ end }}", "none"),
        ("{{ range 3 }}{{ . }}{{ end }}", "012"),
        ("{{ range $labels }}{{ if eq . `api` }}{{ continue }}{{ end }}{{ . }}|{{ end }}", "10.0.0.1:9100|42.5|"),
        ("{{ range $labels }}{{ . }}{{ break }}{{ end }}!", "10.0.0.1:9100!"),
        ("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $y := 3 }}{{ $y }}{{ end }}{{ $x }}", "32"),
        ("{{ $k := 0 }}{{ $v := 0 }}{{ range $k, $v = $labels }}{{ end }}{{ $k }}{{ $v }}", "n42.5"),
        ("{{ define `t` }}[{{ . }}{{ $ }}]{{ end }}{{ template `t` 5 }}{{ template `t` }}", "[55][<no value><no value>]"),
        ("{{ block `t` $value }}<{{ . }}>{{ end }}", "<93.7>"),
        ("{{ define `t` }}{{ .arg0 }}-{{ .arg1 }}{{ end }}{{ template `t` (args 1 `x`) }}", "1-x"),
    ],
)  # fmt: skip
def test_control(template: str, text: str) -> None:
    assert expand(template, DATA) == text


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        (0.0, "0|0|0|0s|0%"),
        (-0.0, "-0|-0|-0|-0s|-0%"),
        (1234567.891, "1.234567891e+06|1.235M|1.177Mi|14d 6h 56m 7s|1.235e+08%"),
        (93.7, "93.7|93.7|93.7|1m 33s|9370%"),
        (0.1235, "0.1235|123.5m|0.1235|123.5ms|12.35%"),
        (-3725.0, "-3725|-3.725k|-3.638ki|-1h 2m 5s|-3.725e+05%"),
        (1e21, "1e+21|1Z|867.4Ei|-106751991167300d -15h -30m -8s|1e+23%"),
        (1e-7, "1e-07|100n|1e-07|100ns|1e-05%"),
        (100000.0, "100000|100k|97.66ki|1d 3h 46m 40s|1e+07%"),
        (math.nan, "NaN|NaN|NaN|NaN|NaN%"),
        (math.inf, "+Inf|+Inf|+Inf|+Inf|+Inf%"),
        (-math.inf, "-Inf|-Inf|-Inf|-Inf|-Inf%"),
    ],
)
def test_numbers_for_people(value: float, texts: str) -> None:
    template = (
        "{{ $value }}|{{ $value | humanize }}|{{ $value | humanize1024 }}|{{ $value | humanizeDuration }}|"
        "{{ $value | humanizePercentage }}"
    )
    assert expand(template, Data({}, value)) == texts


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ('{{ printf "%d" $value }}', "%!d(float64=93.7)"),
        ('{{ printf "%.2f|%5.1f|%-8.0f|%+.1f|%08.2f" $value $value $value $value $value }}', "93.70| 93.7|94      |+93.7|00093.70"),
        ('{{ printf "%v %g %e %.3g %T %x" $value $value $value $value $value $value }}', "93.7 93.7 9.370000e+01 93.7 float64 0x1.76ccccccccccdp+06"),
        ('{{ printf "%d %d" 1 }} {{ printf "%d" 1 2.0 nil }}', "1 %!d(MISSING) 1%!(EXTRA float64=2, <nil>)"),
        ('{{ printf "%" }} {{ printf "%z" 1 }} {{ printf "100%%" }}', "%!(NOVERB) %!z(int=1) 100%"),
        ('{{ printf "%s|%q|%x|%5s|%-5s|%.2s|%d" "aü" "a\\n" "aü" "ab" "ab" "abc" "x" }}', 'aü|"a\\n"|61c3bc|   ab|ab   |ab|%!d(string=x)'),
        ('{{ printf "%5d|%-5d|%05d|%+d|%x|%#x|%o|%b|%c|%U|%q" 42 42 42 42 42 42 42 42 97 97 97 }}', "   42|42   |00042|+42|2a|0x2a|52|101010|a|U+0061|'a'"),
        ('{{ printf "%t %v %d" true false true }}', "true false %!d(bool=true)"),
        ('{{ printf "%v %s %d" nil nil nil }}', "<nil> %!s(<nil>) %!d(<nil>)"),
        ('{{ printf "%s" $externalLabels }} {{ printf "%d" $externalLabels }}', "map[cluster:eu-1] map[%!d(string=cluster):%!d(string=eu-1)]"),
        ('{{ printf "%#v %+v" $externalLabels . }}', 'map[string]string{"cluster":"eu-1"} {Labels:map[instance:10.0.0.1:9100 job:api n:42.5] ExternalLabels:map[cluster:eu-1] ExternalURL:http://prometheus:9090/base Value:93.7}'),
        ('{{ printf "%[2]d %[1]d" 1 2 }} {{ printf "%*d|%.*f" 4 1 1 2.55 }} {{ printf "%[5]d" 1 }}', "2 1    1|2.5 %!d(BADINDEX)"),
        ('{{ printf "%*d" "x" 1 }} {{ printf "%.*f" -1 3.5 }} {{ printf "%*d|" -4 1 }}', "%!(BADWIDTH)1 %!(BADPREC)3.500000 1   |"),
        ('{{ printf "%b %.1x %X %#g %#x" 1.0 1.5 1.0 1.0 1.0 }}', "4503599627370496p-52 0x1.8p+00 0X1P+00 1.00000 0x1.0000p+00"),
        ('{{ printf "%v %+v" (query "up" | first) (query "up" | first) }}', "&{map[__name__:up zone:b] 3} &{Labels:map[__name__:up zone:b] Value:3}"),
        ('{{ printf "%#q %+q % x %#v %p" "ab" "ü" "ab" "x" 1 }}', '`ab` "\\u00fc" 61 62 "x" %!p(int=1)'),
        ('{{ "x" | printf "%s-%s" "a" }}', "a-x"),
    ],
)  # fmt: skip
def test_printf(template: str, text: str) -> None:
    assert expand(template, DATA) == text


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ('{{ reReplaceAll "(.*):(\\\\d+)" "$2-${1}" $labels.instance }}', "9100-10.0.0.1"),
        ('{{ reReplaceAll "(?P<host>[^:]+).*" "<${host}>" $labels.instance }}', "<10.0.0.1>"),
        ('{{ reReplaceAll "a*" "x" "baac" }} {{ reReplaceAll "" "-" "ab" }} {{ reReplaceAll "$" "!" "ab" }}', "xbxcx -a-b- ab!"),
        ('{{ reReplaceAll "a|ab" "x" "ab" }} {{ reReplaceAll "ab|a" "x" "ab" }} {{ reReplaceAll "(?i)B+?" "x" "bB" }}', "xb x xx"),
        ('{{ reReplaceAll "[[:digit:]]{2,}" "N" "1 22 333" }} {{ reReplaceAll "\\\\bx\\\\b" "y" "x xx" }}', "1 N N y xx"),
        ('{{ reReplaceAll "\\\\pL+|[^\\\\s.]" "L" "äb 1." }} {{ reReplaceAll "\\\\Q.*\\\\E" "x" "a.*b" }}', "L L. axb"),
        ('{{ reReplaceAll "(?m)^(.)$" "$1$1$$" "a\\nb" }} {{ reReplaceAll "(?s:.)\\\\x41?" "z" "\\n" }}', "aa$\nbb$ z"),
        ('{{ match "^10\\\\." $labels.instance }} {{ match "x" $labels.instance }}', "true false"),
        ('{{ stripPort "h:80" }} {{ stripPort "[::1]:80" }} {{ stripPort "::1" }} {{ stripPort "[x" }}', "h ::1 ::1 [x"),
        ('{{ stripDomain "db1.example.com:9100" }} {{ stripDomain "10.0.0.1:90" }} {{ stripDomain "a.b" }}', "db1:9100 10.0.0.1:90 a"),
        ('{{ title "hello wORLD foo_bar" }} {{ toUpper "straße" }} {{ toLower "ÀB" }}', "Hello WORLD Foo_bar STRAßE àb"),
        ('{{ html "<a&\'\\"" }} {{ js "\'<=\\n" }} {{ urlquery "a b&ü~" }} {{ safeHtml "<b>" }}', "&lt;a&amp;&#39;&#34; \\'\\u003C\\u003D\\u000A a+b%26%C3%BC~ <b>"),
        ('{{ graphLink "up == 0" }} {{ tableLink "up" }}', "/graph?g0.expr=up+%3D%3D+0&g0.tab=0 /graph?g0.expr=up&g0.tab=1"),
        ('{{ parseDuration "1h30m" }} {{ parseDuration "0" }} {{ "1d" | parseDuration | humanizeDuration }}', "5400 0 1d 0h 0m 0s"),
        ("{{ humanizeTimestamp 1700000000.5 }} {{ toTime 0 }}", "2023-11-14 22:13:20.5 +0000 UTC 1970-01-01 00:00:00 +0000 UTC"),
        ('{{ (toTime 1700000000.5).Format "2006-01-02 Mon 3:04PM .000" }} {{ (toTime 1.5).UnixMilli }}', "2023-11-14 Tue 10:13PM .500 1500"),
        ("{{ now | humanizeTimestamp }}", "2026-11-25 00:00:00 +0000 UTC"),
        ('{{ humanize "1234.5" }} {{ humanize 12345 }} {{ humanize "0x1p-2" }}', "1.234k 12.35k 250m"),
        ('{{ query "up" | first | value }} {{ query "up" | first | label "zone" }} {{ (query "up" | first).Value }}', "3 b 3"),
        ('{{ range query "up" | sortByLabel "zone" }}{{ .Labels.zone }}{{ end }} {{ len (query "up") }}', "ab 2"),
        ('{{ query "up" | first }} {{ query "up" | first | strvalue }}', "{map[__name__:up zone:b] 3} "),
        ('{{ slice (query "up") 1 2 | first | value }} {{ index (query "up") 1 | value }}', "1.5 1.5"),
    ],
)  # fmt: skip
def test_functions(template: str, text: str) -> None:
    assert expand(template, DATA) == text


BEFORE = 'error executing template __alert_X: template: __alert_X:1:115: executing "__alert_X" at '


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ humanize }}", BEFORE + "<humanize>: wrong number of args for humanize: want 1 got 0"),
        ('{{ printf "%d" 1 | toUpper 5 }}', 'error executing template __alert_X: template: __alert_X:1:131: executing "__alert_X" at <toUpper>: wrong number of args for toUpper: want 1 got 2'),
        ("{{ humanize `abc` }}", BEFORE + '<humanize `abc`>: error calling humanize: strconv.ParseFloat: parsing "abc": invalid syntax'),
        ("{{ humanize $labels }}", BEFORE + "<humanize $labels>: error calling humanize: can't convert map[string]string to float"),
        ("{{ gt $value 1 }}", BEFORE + "<gt $value 1>: error calling gt: incompatible types for comparison"),
        ("{{ eq $labels $labels }}", BEFORE + "<eq $labels $labels>: error calling eq: non-comparable type map[instance:10.0.0.1:9100 job:api n:42.5]: map[string]string"),
        ("{{ toUpper $value }}", 'error executing template __alert_X: template: __alert_X:1:123: executing "__alert_X" at <$value>: wrong type for value; expected string; got float64'),
        ("{{ toUpper 5 }}", 'error executing template __alert_X: template: __alert_X:1:123: executing "__alert_X" at <5>: expected string; found 5'),
        ("{{ .Foo }}", BEFORE + "<.Foo>: can't evaluate field Foo in type struct { Labels map[string]string; ExternalLabels map[string]string; ExternalURL string; Value float64 }"),
        ("{{ $labels.job.foo }}", 'error executing template __alert_X: template: __alert_X:1:122: executing "__alert_X" at <$labels.job.foo>: can\'t evaluate field foo in type string'),
        ("{{ query `none` | first }}", 'error executing template __alert_X: template: __alert_X:1:130: executing "__alert_X" at <first>: error calling first: first() called on vector with no elements'),
        ("{{ value nil }}", BEFORE + "<value nil>: error calling value: runtime error: invalid memory address or nil pointer dereference"),
        ("{{ reReplaceAll `(` `` `` }}", BEFORE + "<reReplaceAll `(` `` ``>: error calling reReplaceAll: regexp: Compile(`(`): error parsing regexp: missing closing ): `(`"),
        ("{{ match `a**` `` }}", BEFORE + "<match `a**` ``>: error calling match: error parsing regexp: invalid nested repetition operator: `**`"),
        ("{{ range $value }}{{ end }}", 'error executing template __alert_X: template: __alert_X:1:121: executing "__alert_X" at <$value>: range can\'t iterate over 93.7'),
        ("{{ template `x` }}", 'error executing template __alert_X: template: __alert_X:1:124: executing "__alert_X" at <{{template "x"}}>: template "x" not defined'),
        ("ü\n {{ nil }}", 'error executing template __alert_X: template: __alert_X:2:4: executing "__alert_X" at <nil>: nil is not a command'),
        ("{{ $value 4 }}", BEFORE + "<$value>: can't give argument to non-function $value"),
        ("{{ foo }}", 'error parsing template __alert_X: template: __alert_X:1: function "foo" not defined'),
        ("{{ $nope }}", 'error parsing template __alert_X: template: __alert_X:1: undefined variable "$nope"'),
        ("{{ if true }}x", "error parsing template __alert_X: template: __alert_X:1: unexpected EOF"),
        ("\n{{ $value }", 'error parsing template __alert_X: template: __alert_X:2: unexpected "}" in operand'),
        ("{{ if true\n\n {{ end }}", 'error parsing template __alert_X: template: __alert_X:3: unexpected "{" in operand'),
        ("{{ $value\n", "error parsing template __alert_X: template: __alert_X:2: unclosed action started at __alert_X:1"),
        ("{{ break }}", "error parsing template __alert_X: template: __alert_X:1: {{break}} outside {{range}}"),
        ("{{ $value | 3 }}", "error parsing template __alert_X: template: __alert_X:1: non executable command in pipeline stage 2"),
    ],
)  # fmt: skip
def test_errors_are_those_of_prometheus(template: str, text: str) -> None:
    with pytest.raises(TemplateError) as told:
        expand(template, DATA, "__alert_X")
    assert str(told.value) == text


def test_check_finds_what_does_not_parse_without_data() -> None:
    check("{{ $labels.job }}")
    with pytest.raises(TemplateError, match='function "foo" not defined'):
        check("{{ foo }}", "__alert_X")


def test_without_a_source_a_query_fails_and_nothing_else() -> None:
    data = Data({"a": "b"}, 1.0)
    assert expand("{{ $labels.a }}", data) == "b"
    for template in ("{{ query `up` }}", "{{ now }}"):
        with pytest.raises(TemplateError, match=r"here$"):
            expand(template, data)


@pytest.mark.parametrize(
    "template",
    [
        "{{ $x := `abcdefghij` }}" + "{{ $x = print $x $x }}" * 40,
        "{{ $x := args 1 }}" + "{{ $x = args $x $x }}" * 40 + "{{ $x }}",
        "{{ $x := printf `%90000d` 1 }}{{ $x }}{{ $x }}",
        "{{ printf `%.999999f` 1.0 }}",
        "{{ printf `%90000d%90000d` 1 2 }}",
        "{{ range 100000000 }}x{{ end }}",
        "{{ range 1000 }}{{ range 1000 }}x{{ end }}{{ end }}",
        "{{ define `t` }}{{ template `t` }}{{ end }}{{ template `t` }}",
        "{{ range 100 }}{{ $q := query `up` }}{{ end }}",
        "{{ match `((a{100}){100}){100}` `` }}",
        "{{ range 5000 }}{{ match `(a*)*b` `" + "a" * 2000 + "` }}{{ end }}",
        "{{ match `" + "(" * 100 + ")" * 100 + "` `` }}",
        "{{ match `" + "a" * 20_000 + "` `` }}",
        "{{ " + "(" * 500 + "1" + ")" * 500 + " }}",
        "{{ if 1 }}" * 500 + "{{ end }}" * 500,
        "{{ 1 }}" * 30_000,
        "{{ html (printf `%50000s` ``) | print `<<<` | html | html }}{{ range 5000 }}{{ html (printf `%90000d` 1) }}{{ end }}",
    ],
)  # fmt: skip
def test_hostile_templates_end_with_an_error(template: str) -> None:
    with pytest.raises(TemplateError, match=r"more than|levels|too large|too deeply|refused|depth|longer"):
        expand(template, DATA)


def test_patterns_that_backtrack_for_ever_elsewhere_are_answered() -> None:
    data = Data({"x": "a" * 3000}, 1.0)
    assert expand("{{ match `(a+)+$b` $labels.x }} {{ match `(a|a)*(a|a)*c` $labels.x }}", data) == "false false"
