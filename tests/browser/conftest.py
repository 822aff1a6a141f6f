"""A real browser on a real server, with a worker beside it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from generations import pipeline, queries, states, writing

# Playwright's sync calls run inside an event loop of its own, where Django would refuse to ask the database.

CHROMIUM = next((path for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser") if Path(path).exists()), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    assert CHROMIUM, "There is no Chromium here: apt-get install chromium"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh profile at a desktop's size."""
    # Without motion: while one page turns into the next, a browser takes no clicks.
    fresh = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True, reduced_motion="reduce")
    yield fresh
    fresh.close()


@pytest.fixture
def worker(transactional_db: None) -> Iterator[None]:
    """What a worker does, in a thread: everything that is open."""
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.1):
            now = states.db_now()
            for pk in list(queries.open_generations(now).values_list("pk", flat=True)):
                writing.write(pk)
            pipeline.make_next()
            for pk in list(queries.open_ads(now).values_list("pk", flat=True)):
                pipeline.finish_ad(pk)
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join(timeout=30)


@pytest.fixture
def complaints(context: BrowserContext) -> list[str]:
    """What the browser complained about: errors of scripts, refusals of the content security policy."""
    said: list[str] = []
    context.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    context.on("weberror", lambda error: said.append(str(error.error)))
    return said


@pytest.fixture
def page(context: BrowserContext) -> Any:
    """A page."""
    return context.new_page()
