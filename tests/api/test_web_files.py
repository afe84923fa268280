"""What can be said of the page's files without a browser."""

import re
from pathlib import Path

import pytest

WEB = Path(__file__).parents[2] / "api" / "web"
SCRIPTS = sorted(WEB.rglob("*.js"))
FILES = [*SCRIPTS, *WEB.rglob("*.css"), *WEB.rglob("*.html")]
SVG_NAMESPACE = "http://www.w3.org/2000/svg"
KEY = re.compile(r"'([a-zA-Z0-9_.]+)':")


def name(path):
    return str(path.relative_to(WEB))


def words(language):
    return set(KEY.findall((WEB / "js" / "words" / f"{language}.js").read_text("utf-8")))


def test_both_languages_have_the_same_words():
    assert words("zh") == words("en")
    assert len(words("zh")) > 150


def test_every_word_that_is_asked_for_is_there():
    asked = {
        key
        for path in SCRIPTS
        for key in re.findall(r"\bt\('([a-zA-Z0-9_.]+)'", path.read_text("utf-8"))
    }
    assert asked - words("zh") == set()


@pytest.mark.parametrize("path", SCRIPTS, ids=name)
def test_no_string_can_become_markup(path):
    found = re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|setHTML|new Function",
        path.read_text("utf-8"),
    )
    assert found is None


@pytest.mark.parametrize("path", FILES, ids=name)
def test_no_address_of_another_host(path):
    text = path.read_text("utf-8").replace(SVG_NAMESPACE, "")
    assert re.search(r"(https?:)?//[a-z0-9-]+\.[a-z]", text) is None


@pytest.mark.parametrize("path", FILES, ids=name)
def test_modules_stay_small(path):
    assert len(path.read_text("utf-8").splitlines()) <= 300


def test_the_document_needs_no_inline_script_or_style():
    text = (WEB / "index.html").read_text("utf-8")
    assert re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", text) is None
