"""A report of a made-up study, and somebody who reads it."""

import pytest
from tests.browser import chromium
from tests.report_reader import Reader
from tests.studies import MadeUpStudy


# one browser at a time: those of other modules run in the same thread
@pytest.fixture(scope="module")
def browser():
    with chromium() as started:
        yield started


@pytest.fixture(scope="session")
def study(tmp_path_factory) -> MadeUpStudy:
    study = MadeUpStudy(tmp_path_factory.mktemp("study")).make()
    study.draw()
    study.write()
    return study


@pytest.fixture
def context(browser):
    with browser.context(viewport={"width": 1280, "height": 900}, accept_downloads=True) as context:
        yield context


@pytest.fixture
def reader(context, study):
    reader = Reader(context, study.page)
    yield reader
    reader.assert_quiet(study.page)
