"""A real headless Chromium for tests: found on the machine, driven by Playwright, watched for errors and requests.

A test is skipped where there is none, but never in CI, which has to provide one (`tests/install_browser.sh`).
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, BrowserType, Page

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass
class Watch:
    """What went on in a browser that should be quiet."""

    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def attach(self, page: "Page") -> None:
        page.on("console", lambda message: self.errors.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("dialog", self._dialog)

    def _dialog(self, dialog: Any) -> None:
        self.dialogs.append(f"{dialog.type}: {dialog.message}")
        dialog.accept()


@dataclass(frozen=True)
class Chromium:
    """A running Chromium, and the means to start another on a profile."""

    kind: "BrowserType"
    path: str
    browser: "Browser"

    @contextmanager
    def context(self, **options: Any) -> Iterator["BrowserContext"]:
        """A context that shares nothing with others and leaves nothing behind."""
        context = self.browser.new_context(**options)
        yield context
        context.close()

    @contextmanager
    def with_profile(self, profile: Path, **options: Any) -> Iterator["BrowserContext"]:
        """Another Chromium, on a profile folder: what it stores outlives it."""
        context = self.kind.launch_persistent_context(
            profile, executable_path=self.path, headless=True, args=FLAGS, **options
        )
        yield context
        context.close()


@contextmanager
def chromium() -> Iterator[Chromium]:
    """Start Chromium with an empty profile. Playwright allows one such block at a time."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("the Python package playwright is not installed")
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        _missing("no Chromium on PATH; run tests/install_browser.sh or set CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        yield Chromium(playwright.chromium, path, browser)
        browser.close()


def violations(page: "Page") -> list[str]:
    """What axe-core finds wrong on a page: rule, how many elements, and the first of them."""
    from importlib.resources import files

    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [f"{rule['id']} × {len(rule['nodes'])}: {rule['nodes'][0]['html'][:200]}" for rule in found]


def _missing(reason: str) -> NoReturn:
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"CI needs a browser: {reason}")
    pytest.skip(reason)
