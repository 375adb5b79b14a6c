"""Every page with the eyes of a machine: axe finds no fault, on a phone and in the dark."""

from pathlib import Path

import pytest

from tests.browser.office import BUILT, Office

AXE = BUILT.parents[1] / "node_modules/axe-core/axe.min.js"
PAGES = (
    "/chats", "/calls", "/calls/keypad", "/people", "/people/102", "/settings/profile", "/settings/forwarding",
    "/settings/devices", "/settings/media", "/settings/look", "/settings/sessions", "/admin/overview", "/admin/users",
    "/admin/users/102", "/admin/groups", "/admin/registrations", "/admin/live", "/admin/records", "/admin/routing",
    "/admin/blocks", "/admin/retention", "/admin/audit", "/nothing-here",
)  # fmt: skip
RUN = """
async () => {
  const { violations } = await axe.run(document, { resultTypes: ['violations'] });
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(' ')}`));
}
"""


@pytest.mark.parametrize(("width", "theme"), [(390, "light"), (1440, "dark")])
def test_axe_finds_nothing(office: Office, width: int, theme: str) -> None:
    if not AXE.exists():
        pytest.skip("the packages of the web client are not installed")
    anna = office.sign_in("101", "Anna Orlova", width=width)
    anna.context.add_init_script(f"localStorage.setItem('gorizont.theme', '{theme}')")
    anna.page.add_init_script(Path(AXE).read_text())
    found = []
    for path in ("/sign-in", *PAGES):
        anna.page.goto(office.origin + path)
        anna.page.wait_for_load_state("networkidle")
        found += [f"{path} {fault}" for fault in anna.page.evaluate(RUN)]
    assert "\n".join(found) == ""
