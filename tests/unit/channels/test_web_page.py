"""The page and its files."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from channels.web.page import create_page_router
from core import problems

pytestmark = pytest.mark.unit


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("not for you", "utf-8")
    built = tmp_path / "dist"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("<title>连心桥</title>", "utf-8")
    (built / "knowledge.html").write_text("<title>办事问答</title>", "utf-8")
    (built / "assets" / "index-a1b2.js").write_text("1", "utf-8")
    (built / "widget.js").write_text("2", "utf-8")
    return built


@pytest.fixture
def site(dist: Path) -> Iterator[TestClient]:
    app = FastAPI()
    problems.install(app)
    app.include_router(create_page_router(dist))
    with TestClient(app) as client:
        yield client


def test_the_page_is_asked_for_anew_each_time(site: TestClient) -> None:
    page = site.get("/")
    assert (page.status_code, page.text) == (200, "<title>连心桥</title>")
    assert page.headers["Cache-Control"] == "no-cache"
    assert site.get("/", headers={"If-None-Match": page.headers["ETag"]}).status_code == 304


def test_the_page_of_the_knowledge_base_needs_nothing_from_elsewhere(site: TestClient) -> None:
    page = site.get("/knowledge?id=hotline-scope")
    assert page.text == "<title>办事问答</title>"
    assert policy(site, "/knowledge")["default-src"] == "'self'"
    assert "img-src" not in policy(site, "/knowledge")
    assert site.head("/knowledge").status_code == 200


def test_files_with_a_hash_in_their_name_are_kept_for_good(site: TestClient) -> None:
    asset = site.get("/assets/index-a1b2.js")
    assert asset.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert asset.headers["Content-Type"].startswith("text/javascript")


@pytest.mark.parametrize("path", ["/", "/assets/index-a1b2.js"])
def test_page_and_files_carry_the_security_headers(site: TestClient, path: str) -> None:
    headers = site.head(path).headers
    assert headers["Content-Security-Policy"].startswith("default-src 'self'; ")
    assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"


def policy(site: TestClient, path: str) -> dict[str, str]:
    told = site.get(path).headers["Content-Security-Policy"]
    return {name: values for name, _, values in (directive.partition(" ") for directive in told.split("; "))}


def test_the_chat_is_shown_in_windows_of_the_named_sites_only(dist: Path) -> None:
    app = FastAPI()
    app.include_router(create_page_router(dist, framing_origins=["https://www.example.gov.cn"]))
    site = TestClient(app)
    assert policy(site, "/embed")["frame-ancestors"] == "'self' https://www.example.gov.cn"
    assert policy(site, "/")["frame-ancestors"] == "'self'"
    assert site.get("/embed").text == site.get("/").text


def test_the_script_of_the_window_is_asked_for_anew_each_time(site: TestClient) -> None:
    script = site.get("/widget.js")
    assert (script.text, script.headers["Cache-Control"]) == ("2", "no-cache")


def test_pictures_come_from_the_maps_host_and_from_no_other(dist: Path) -> None:
    app = FastAPI()
    app.include_router(create_page_router(dist, map_origin="https://t0.tianditu.gov.cn"))
    site = TestClient(app)
    pictures = "'self' blob: data: https://t0.tianditu.gov.cn"
    assert policy(site, "/")["img-src"] == policy(site, "/embed")["img-src"] == pictures
    assert "img-src" not in policy(site, "/assets/index-a1b2.js")


def test_without_a_map_pictures_are_our_own(site: TestClient) -> None:
    assert policy(site, "/")["img-src"] == policy(site, "/")["media-src"] == "'self' blob:"


@pytest.mark.parametrize(
    "path", ["/assets/none.js", "/assets/", "/assets/..%2fsecret.txt", "/assets/%2e%2e%2f%2e%2e%2fsecret.txt"]
)
def test_nothing_else_is_served(site: TestClient, path: str) -> None:
    response = site.get(path)
    assert response.status_code == 404
    assert "not for you" not in response.text


def test_before_the_build_the_page_says_what_to_do(tmp_path: Path) -> None:
    app = FastAPI()
    app.include_router(create_page_router(tmp_path / "missing"))
    page = TestClient(app).get("/")
    assert page.status_code == 503
    assert "make run" in page.text
    assert "12345" in page.text
    assert TestClient(app).get("/assets/index.js").status_code == 404
