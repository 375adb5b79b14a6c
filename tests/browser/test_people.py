"""What one sees of others."""

from playwright.sync_api import expect

from tests.browser.office import Office


def test_a_colleague_who_comes_and_goes_is_seen_without_a_reload(office: Office) -> None:
    office.hire("108", "Nina Serova")
    page = office.sign_in("101", "Anna Orlova", path="/people").page
    nina = page.get_by_role("main").get_by_role("link", name="Nina Serova")
    expect(nina).to_contain_text("Offline")
    hers = office.sign_in("108", "Nina Serova")
    expect(nina).to_contain_text("Available", timeout=3000)
    hers.context.close()
    expect(nina).to_contain_text("Offline", timeout=3000)
