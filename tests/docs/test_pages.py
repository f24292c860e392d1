"""All pages: links lead somewhere, nothing points to one machine, and what they name exists."""

import re
from pathlib import Path

import pytest

from tests.support.markdown import PAGES, ROOT, anchors, links

HOSTS = re.compile(r"pypi|pythonhosted|registry\.npmjs|docker\.io|ghcr\.io|quay\.io", re.IGNORECASE)
MACHINE = re.compile(r"(?<![\w.])/(?:work|home|root|Users|tmp)/")

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@pages
def test_links_lead_somewhere(page: Path):
    for link in links(page):
        if link.startswith(("http://", "https://")):
            continue
        target, _, anchor = link.partition("#")
        there = page if not target else (page.parent / target).resolve()
        assert there.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors(there), f"{page.name}: {link}"


@pages
def test_nothing_points_to_one_machine_or_a_registry(page: Path):
    text = page.read_text()
    assert MACHINE.search(text) is None
    assert HOSTS.search(text) is None


@pages
def test_files_that_are_named_exist(page: Path):
    for name in re.findall(r"`((?:tests|gateway|examples)/[\w./-]+)`", page.read_text()):
        assert (ROOT / name).exists(), f"{page.name}: {name}"


def test_the_index_lists_every_page():
    listed = {link.partition("#")[0] for link in links(ROOT / "docs" / "README.md")}
    assert {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"} <= listed


def test_the_licence_is_the_one_that_is_declared():
    text = (ROOT / "LICENSE").read_text()
    assert "Apache License" in text
    assert "Version 2.0, January 2004" in text
    assert 'license = { text = "Apache-2.0" }' in (ROOT / "pyproject.toml").read_text()


def test_contributing_fits_on_a_screen_and_names_real_verbs():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    makefile = (ROOT / "Makefile").read_text()
    assert len(text.splitlines()) <= 50
    verbs = set(re.findall(r"make ([a-z-]+)", text))
    assert verbs >= {"run", "test", "check"}
    assert all(re.search(rf"^{verb}:", makefile, re.MULTILINE) for verb in verbs)
