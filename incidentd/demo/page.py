"""A stand-in's memory as HTML -> a page that keeps itself fresh."""

import datetime as dt
import html

STYLE = """
:root { color-scheme: light dark; --back: #fff; --soft: #f6f6f8; --line: #dddde3; --text: #1d1c1d; --dim: #616061;
  --accent: #1264a3; --ok: #007a5a; --warn: #b7791f; --bad: #c2183f; }
@media (prefers-color-scheme: dark) { :root { --back: #1a1d21; --soft: #222529; --line: #383b40; --text: #e3e4e6;
  --dim: #a4a7ab; --accent: #5fb0ee; --ok: #3fbf8f; --warn: #e0a83c; --bad: #ff6b86; } }
* { box-sizing: border-box }
body { margin: 0; background: var(--back); color: var(--text);
  font: 15px/1.45 Lato, "Segoe UI", system-ui, sans-serif }
a { color: var(--accent) }
header.top { display: flex; gap: 12px; align-items: baseline; padding: 12px 20px; color: #fff }
header.top b { font-size: 17px } header.top span { opacity: .8; font-size: 13px }
main.list { max-width: 1000px; margin: 0 auto; padding: 16px 20px }
.card { border: 1px solid var(--line); border-radius: 8px; padding: 12px 16px; margin: 0 0 14px;
  overflow-wrap: anywhere }
.card h2 { font-size: 16px; margin: 0 0 4px } .dim { color: var(--dim); font-size: 13px }
.pill { display: inline-block; border-radius: 10px; padding: 0 9px; font-size: 12px; font-weight: 700;
  border: 1px solid currentColor; margin-right: 6px }
.pill.bad { color: var(--bad) } .pill.warn { color: var(--warn) } .pill.ok { color: var(--ok) }
table { border-collapse: collapse; width: 100%; font-size: 13px; margin-top: 6px }
td, th { text-align: left; padding: 3px 10px 3px 0; border-top: 1px solid var(--line); vertical-align: top }
pre { white-space: pre-wrap; background: var(--soft); border: 1px solid var(--line); border-radius: 4px;
  padding: 8px; margin: 6px 0; font-size: 12.5px }
button, .button { font: inherit; font-weight: 700; font-size: 13px; padding: 4px 12px; border-radius: 4px;
  cursor: pointer; border: 1px solid var(--line); background: var(--back); color: var(--text) }
"""

REFRESH = """
const main = document.querySelector("main");
let last = main.innerHTML;
setInterval(async () => {
  const answer = await fetch(location.href).catch(() => null);
  if (!answer || !answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main").innerHTML;
  if (fresh === last) return;
  const scrolled = main.querySelector(".channel")?.scrollTop;
  main.innerHTML = last = fresh;
  if (scrolled) main.querySelector(".channel").scrollTop = scrolled;
}, 1000);
"""


def page(title: str, note: str, body: str, *, colour: str, style: str = "", kind: str = "list") -> str:
    """A whole document; only *body* is HTML already, and the part that is fetched again each second."""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{html.escape(title)}</title><style>{STYLE}{style}</style>
<noscript><meta http-equiv="refresh" content="3"></noscript></head>
<body><header class="top" style="background:{colour}"><b>{html.escape(title)}</b>
<span>{html.escape(note)}</span></header>
<main class="{kind}">{body}</main><script>{REFRESH}</script></body></html>"""


def local_time(at: float) -> str:
    """Unix time in seconds -> the wall clock of the machine that runs the demo."""
    return dt.datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")
