"""The browser's address says where one is, so that Back, reload and a copied link lead there."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from harness import Server, settled, visit
from playwright.sync_api import Page, expect


def test_a_link_to_another_place_of_its_own_page_is_in_the_address_and_back_leads_back(
    page: Page, serve: Callable[..., Server], tmp_path: Path
) -> None:
    server = serve("app.py", env={"DHC_RUNS_DIR": str(tmp_path / "runs"), "DHC_DATA_DIR": str(tmp_path / "data")})
    visit(page, server, "/lessons?lesson=pooling")
    before = page.evaluate("history.length")
    for title, name in (("Receptive field", "receptive-field"), ("ReLU and LeakyReLU", "activation")):
        page.get_by_role("link", name=f"Next: {title}").click()
        expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
        expect(page).to_have_url(re.compile(f"lesson={name}"))
    assert page.evaluate("history.length") == before + 2
    settled(page)
    page.go_back()
    expect(page.get_by_role("heading", name="Receptive field", exact=True)).to_be_visible()
    expect(page).to_have_url(re.compile("lesson=receptive-field"))
    page.reload()
    expect(page.get_by_role("heading", name="Receptive field", exact=True)).to_be_visible()
