"""The outermost layer: bounds, headers, problems, the status page's files, the listening socket."""

from __future__ import annotations

import dataclasses
import http.client
import itertools
import socket
import threading
from collections.abc import Iterator

import pytest

from incidentd.catalog.component import StatusPage
from incidentd.web.server import ListenError, Server, build
from tests.unit.web.site import TOKEN, Site, open_incident

MIB = 1024 * 1024
NOTES = "/api/v1/incidents/42/notes"


def test_a_body_of_more_than_a_mebibyte_is_refused_however_it_is_sent(site: Site) -> None:
    site.write(*open_incident())

    def in_chunks() -> Iterator[bytes]:
        yield from (b"x" * 65_536 for _ in range(17))

    announced = site.post(NOTES, token=TOKEN, data=b"x" * (MIB + 1))
    chunked = site.post(NOTES, token=TOKEN, data=in_chunks())
    for answer in (announced, chunked):
        assert (answer.status_code, answer.headers["Content-Type"]) == (413, "application/problem+json")
        assert answer.json()["detail"] == "A request may carry 1048576 bytes."
    assert len(site.get("/api/v1/incidents/42").json()["timeline"]) == 1


def test_an_announced_length_is_enough_to_refuse(site: Site) -> None:
    """Nothing of the body is waited for."""
    connection = http.client.HTTPConnection("127.0.0.1", int(site.url.rpartition(":")[2]), timeout=10)
    connection.putrequest("POST", NOTES)
    connection.putheader("Content-Length", str(10 * MIB))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


def test_a_body_of_exactly_a_mebibyte_is_read(site: Site) -> None:
    site.write(*open_incident())
    body = b'{"note": "x"' + b" " * (MIB - 13) + b"}"
    answer = site.post(NOTES, token=TOKEN, data=body, headers={"Content-Type": "application/json"})
    assert (len(body), answer.status_code) == (MIB, 200)


@pytest.mark.parametrize("path", ["/", "/sign-in", "/api/v1/incidents", "/metrics", "/nowhere", "/status/"])
def test_every_answer_carries_the_security_headers(site: Site, path: str) -> None:
    headers = site.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert (policy["default-src"], policy["style-src"], policy["frame-ancestors"]) == ("'none'", "'self'", "'none'")
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert (headers["X-Content-Type-Options"], headers["Referrer-Policy"]) == ("nosniff", "same-origin")
    assert "Server" not in headers


def test_pages_are_not_kept_by_caches(site: Site) -> None:
    assert site.get("/").headers["Cache-Control"] == "no-store"


def test_pages_bring_nothing_from_elsewhere_and_no_inline_code(site: Site) -> None:
    site.write(*open_incident())
    for path in ("/", "/incidents/42", "/runbooks/errors", "/sign-in"):
        html = site.get(path).text
        assert "<script" not in html
        assert " style=" not in html
        assert 'src="http' not in html
        assert 'href="http' not in html
    style = site.get("/static/incidentd.css")
    assert (style.headers["Content-Type"], "url(" in style.text, "@import" in style.text) == (
        "text/css; charset=utf-8",
        False,
        False,
    )


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nowhere", 404), ("DELETE", "/api/v1/incidents", 405), ("POST", "/", 405)]
)
def test_errors_of_the_framework_are_problems_too(site: Site, method: str, path: str, status: int) -> None:
    answer = site.http.request(method, site.url + path, timeout=10)
    assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
    assert answer.json()["status"] == status


def test_the_status_page_is_served_as_it_was_published(site: Site) -> None:
    out = site.folder / "public"
    (out / "api" / "v2").mkdir(parents=True)
    (out / "index.html").write_text("<h1>All is well</h1>")
    (out / "history.atom").write_text("<feed/>")
    (out / "api" / "v2" / "summary.json").write_text("{}")
    (out / ".secret").write_text("x")
    (site.folder / "outside.txt").write_text("x")
    (out / "link.txt").symlink_to(site.folder / "outside.txt")
    assert (site.get("/status").status_code, site.get("/status").headers["Location"]) == (308, "/status/")
    page = site.get("/status/")
    assert (page.text, page.headers["Cache-Control"]) == ("<h1>All is well</h1>", "public, max-age=15")
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert site.get("/status/history.atom").headers["Content-Type"] == "application/atom+xml"
    summary = site.get("/status/api/v2/summary.json")
    assert summary.headers["Access-Control-Allow-Origin"] == "*"
    for path in (".secret", "link.txt", "..%2Foutside.txt", "%2e%2e/outside.txt", "api/", "x%00y", "nothing"):
        assert site.get(f"/status/{path}").status_code == 404


def test_a_page_that_is_published_anew_while_it_is_read_is_read_whole(site: Site) -> None:
    """The length of one version with the content of another once broke off in the middle."""
    folder = site.folder / "public"
    folder.mkdir()
    (folder / "index.html").write_text("aaa", encoding="utf-8")
    versions = [letter * size for letter, size in (("a", 3), ("b", 300_000), ("c", 30))]
    done = threading.Event()

    def publish() -> None:
        for version in itertools.cycle(versions):
            (folder / "new").write_text(version, encoding="utf-8")
            (folder / "new").replace(folder / "index.html")
            if done.is_set():
                return

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        for _ in range(200):
            assert site.get("/status/").text in versions
    finally:
        done.set()
        thread.join()


def test_a_status_page_that_was_not_generated_says_so(site: Site) -> None:
    answer = site.get("/status/")
    assert answer.status_code == 404
    assert answer.json()["detail"] == "The status page has not been generated yet; it needs statuspage.components."


def test_the_status_page_follows_a_reload(site: Site) -> None:
    moved = site.folder / "moved"
    moved.mkdir()
    (moved / "index.html").write_text("moved")
    assert site.get("/status/").status_code == 404
    site.catalog = dataclasses.replace(site.catalog, statuspage=StatusPage(out=moved))
    assert site.get("/status/").text == "moved"


def test_a_port_that_is_taken_is_said_with_the_address(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ListenError, match=f"cannot listen on 127.0.0.1:{port}"):
            Server(build(site.context()), "127.0.0.1", port).start()


def test_a_stopped_server_answers_no_more_and_may_be_stopped_twice(site: Site) -> None:
    server = Server(build(site.context()), "localhost", 0)
    server.start()
    server.stop()
    server.stop()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", server.port), timeout=5)
