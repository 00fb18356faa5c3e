"""Runbooks' Markdown -> HTML: nothing hostile comes through, nothing useful is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidentd.catalog import markdown


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("Delete <namespace> now", "<p>Delete &lt;namespace&gt; now</p>\n"),
        ("<namespace>", "<p>&lt;namespace&gt;</p>\n"),
        ("`kubectl -n <namespace>`", "<p><code>kubectl -n &lt;namespace&gt;</code></p>\n"),
        ("<your-name/> <x y='1'> </z>", "<p>&lt;your-name/&gt; &lt;x y='1'&gt; &lt;/z&gt;</p>\n"),
        ("a<br>b<br/>c", "<p>a<br>b<br>c</p>\n"),
        ("a <!-- hidden <b> --> b", "<p>a  b</p>\n"),
        ("<!-- hidden\n\nstill -->\n\nb", "\n<p>b</p>\n"),
        ("<!-- never closed\n\n<pod>", "&lt;!-- never closed\n\n&lt;pod&gt;"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>\n"),
        ('<a href="javascript:x" onclick="y">z</a>', '<p><a rel="noopener noreferrer">z</a></p>\n'),
        ('<img src="x.png" onerror="y">', '<img src="x.png">'),
        ("[a](javascript:x)", "<p>[a](javascript:x)</p>\n"),
        ("- [x] done", ('<ul class="contains-task-list">\n<li class="task-list-item">'
                        '<input checked="checked" disabled="disabled" type="checkbox"> done</li>\n</ul>\n')),
        ('- <input type="text">', '<ul>\n<li>&lt;input type="text"&gt;</li>\n</ul>\n'),
        ("|a|\n|-:|\n|b|", ('<table>\n<thead>\n<tr>\n<th align="right">a</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n'
                            '<td align="right">b</td>\n</tr>\n</tbody>\n</table>\n')),
        ('```sh\necho <pod> "x"\n```', '<pre><code class="language-sh">echo &lt;pod&gt; "x"\n</code></pre>\n'),
        ('<code class="page-header">x</code>', "<p><code>x</code></p>\n"),
        ("a & b &nbsp; c", "<p>a &amp; b &nbsp; c</p>\n"),
    ],
)  # fmt: skip
def test_tags_are_kept_escaped_or_dropped(text: str, html: str) -> None:
    assert markdown.render(text).html == html


def test_details_hold_markdown_and_placeholders() -> None:
    text = "<details>\n<summary>Logs of <pod></summary>\n\n1. **look**\n\n</details>\n"
    assert markdown.render(text).html == (
        "<details>\n<summary>Logs of &lt;pod&gt;</summary>\n<ol>\n<li><strong>look</strong></li>\n</ol>\n</details>\n"
    )


def test_headings_have_the_ids_that_github_gives_them() -> None:
    html = markdown.render("# What's up?\n## `kubectl` & Co.\n## Über_uns 2\n## What's up?\n").html
    assert [part.split('"')[0] for part in html.split(' id="')[1:]] == [
        "whats-up",
        "kubectl--co",
        "über_uns-2",
        "whats-up-1",
    ]


@pytest.mark.parametrize(
    ("text", "step"),
    [
        (
            "- first\n\n## Diagnosis\n\nText.\n\n1. Look at `kubectl -n <ns>`\n   and **wait**\n2. b\n",
            "Look at kubectl -n <ns> and wait",
        ),
        ("- first <pod>\n\n## Diagnosis\n\nno list\n\n## Mitigation\n\n- later\n", "first <pod>"),
        ("## Diagnosis steps\n\n### Deeper\n\n- [ ] tick [link](http://x)\n", "tick link"),
        ("- \n- b\n", "b"),
        ("no list", ""),
    ],
)  # fmt: skip
def test_the_next_step_is_the_first_item_of_the_diagnosis(text: str, step: str) -> None:
    assert markdown.render(text).next_step == step


def test_one_line_is_folded_and_cut() -> None:
    assert markdown.one_line("a\n  b", 300) == "a b"
    assert markdown.one_line("x" * 301, 300) == "x" * 299 + "…"


@given(st.text(st.sampled_from("<>/!- \n`#*[]()&;\"'=abdetilsmgcoscriptx:"), max_size=200))
def test_nothing_raises_and_no_script_comes_through(text: str) -> None:
    html = markdown.render(text).html.lower()
    assert "<script" not in html
    assert "<!--" not in html
