"""What a person sees in the MLflow UI, in Debian's Chromium."""

import pytest
from playwright.sync_api import Page, expect

from studies.cli import main
from studies.home import Home
from studies.servers.running_ui import EXPERIMENTS, VIEW
from tests.conftest import MakeHome
from tests.support.accounts import Runs, serving, set_options

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, make_home: MakeHome) -> Home:
    """A home with one small comparison."""
    home = make_home(tmp_path_factory.mktemp("compared") / "home")
    changes = ["trainer.epochs=2", "search.trials=1", "confirm=null"]
    argv = ["run", "quickstart", "--home", str(home.path), "--workers", "2", "--quiet"]
    assert main([*argv, *set_options(*changes)]) == 0
    return home


def test_the_ui_shows_the_study_and_its_trials_by_name(compared: Home, page: Page) -> None:
    runs = Runs.of(compared, "quickstart")
    assert len(runs.children) == 3
    with serving(compared) as (_, url, session):
        assert session.get(f"{url}/health").ok
        page.goto(f"{url}/{EXPERIMENTS}")
        expect(page.get_by_role("link", name="Model registry")).to_be_visible()
        expect(page.get_by_role("link", name="quickstart", exact=True)).to_be_visible()
        expect(page.get_by_role("link", name="Prompts")).to_have_count(0)  # of language models
        page.goto(f"{url}/#/experiments/{runs.parent.info.experiment_id}/runs?{VIEW}")
        cells = page.get_by_role("gridcell")
        cells.filter(has_text="quickstart").get_by_role("button").click()  # unfold its trials
        for name in ("quickstart", "mlp-0000", "cnn-0000", "gru-0000"):
            expect(cells.get_by_role("link", name=name, exact=True)).to_be_visible()
        page.get_by_role("link", name="quickstart", exact=True).last.click()
        expect(
            page.get_by_text("Which kind of network reads handwritten digits best")
        ).to_be_visible()
