"""The pages of docs/reference that follow from the code are the ones that the code makes now."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from pbx.cli.arguments import parser

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_reference_generate", REFERENCE / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_pages_are_up_to_date(generate: ModuleType) -> None:
    assert generate.out_of_date() == [], "run .venv/bin/python docs/reference/generate.py"


def test_every_setting_has_a_heading(generate: ModuleType) -> None:
    page = generate.settings_page()
    for section, keys in generate.documented_keys().items():
        assert f"\n## [{section}]\n" in page
        for key in keys:
            assert f"\n### {section} {key}\n" in page


def test_every_command_that_can_be_typed_has_a_heading(generate: ModuleType) -> None:
    page = generate.cli_page()
    help_text = parser().format_help()
    for subject in ("serve", "user", "device", "forward", "group", "registrations", "calls", "explain"):
        assert subject in help_text
        assert f"\n## gorizont {subject}" in page


def test_page_that_differs_is_named(generate: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, page in generate.PAGES.items():
        (tmp_path / name).write_text(page(), encoding="utf-8")
    monkeypatch.setattr(generate, "HERE", tmp_path)
    assert generate.out_of_date() == []
    (tmp_path / "cli.md").write_text("old", encoding="utf-8")
    (tmp_path / "events.md").unlink()
    assert generate.out_of_date() == ["cli.md", "events.md"]
