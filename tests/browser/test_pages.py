"""Every page with the eyes of a machine: axe finds no fault, on a phone and in the dark."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.browser.office import BUILT, Office

AXE = BUILT.parents[1] / "node_modules/axe-core/axe.min.js"
PAGES = (
    "/chats", "/calls", "/calls/keypad", "/people", "/people/102", "/settings/profile", "/settings/forwarding",
    "/settings/devices", "/settings/media", "/settings/look", "/settings/sessions", "/admin/overview", "/admin/users",
    "/admin/users/102", "/admin/groups", "/admin/registrations", "/admin/live", "/admin/records", "/admin/routing",
    "/admin/blocks", "/admin/retention", "/admin/holds", "/admin/audit", "/nothing-here",
)  # fmt: skip
TABS = 4  # in which pages come to rest at the same time
RUN = """
async () => {
  const { violations } = await axe.run(document, { resultTypes: ['violations'] });
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')}`));
}
"""


def batched(paths: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(paths), size):
        yield paths[start : start + size]


@pytest.mark.parametrize(("width", "theme"), [(390, "light"), (1440, "dark")])
def test_axe_finds_nothing(office: Office, width: int, theme: str) -> None:
    if not AXE.exists():
        pytest.skip("the packages of the web client are not installed")
    anna = office.sign_in("101", "Anna Orlova", width=width)
    # Not in the empty page that a tab begins with: it has no storage.
    anna.context.add_init_script(f"if (location.host) localStorage.setItem('gorizont.theme', '{theme}')")
    anna.context.add_init_script(Path(AXE).read_text())
    tabs = [anna.page, *(anna.context.new_page() for _ in range(TABS - 1))]
    found = []
    for paths in batched(("/sign-in", *PAGES), TABS):
        opened = list(zip(tabs, paths, strict=False))
        for tab, path in opened:
            tab.goto(office.origin + path)
        for tab, path in opened:
            tab.wait_for_load_state("networkidle")
            found += [f"{path} {fault}" for fault in tab.evaluate(RUN)]
    assert "\n".join(found) == ""
