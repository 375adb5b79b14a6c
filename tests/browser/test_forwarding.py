"""The forwarding editor: sentences, the server's simulation, and the same rules as the command line."""

from playwright.sync_api import expect

from pbx.directory.forwarding import list_rules
from tests.browser.office import Office


def test_a_rule_is_simulated_before_it_is_saved_and_holds_afterwards(office: Office) -> None:
    page = office.sign_in("102", "Boris Klimov", path="/settings/forwarding").page
    expect(page.get_by_text("No rules: all phones ring")).to_be_visible()
    page.get_by_role("button", name="Add a rule").click()
    page.get_by_text("When I don't answer").click()
    rule = page.get_by_role("listitem", name="When I don't answer")
    rule.get_by_label("Seconds").fill("15")
    rule.get_by_label("Whom?").fill("Vera")
    page.keyboard.press("Enter")
    simulation = page.get_by_role("region", name="What happens")
    expect(simulation.get_by_text("Vera Sokolova").first).to_be_visible()
    with office.server.store.reading() as session:
        assert list_rules(session, "102") == ()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. It holds for the next call.")).to_be_visible()
    with office.server.store.reading() as session:
        (saved,) = list_rules(session, "102")
    assert (saved.kind, saved.targets, saved.after) == ("no-answer", ("103",), 15)


def test_a_rule_set_on_the_command_line_appears_in_the_open_editor(office: Office) -> None:
    page = office.sign_in("103", "Vera Sokolova", path="/settings/forwarding").page
    expect(page.get_by_text("No rules: all phones ring")).to_be_visible()
    office.server.forward("103", "busy", "101")
    expect(page.get_by_role("listitem", name="When I'm busy")).to_be_visible()


def test_rules_changed_elsewhere_are_not_overwritten(office: Office) -> None:
    page = office.sign_in("101", "Anna Orlova", path="/settings/forwarding").page
    page.get_by_role("button", name="Add a rule").click()
    page.get_by_text("Nothing rings", exact=True).click()
    office.server.forward("101", "unreachable", "103")
    expect(page.get_by_text("The rules were changed elsewhere in the meantime.")).to_be_visible()
    page.get_by_role("button", name="Show those").click()
    expect(page.get_by_role("listitem", name="When no phone is online")).to_be_visible()
    expect(page.get_by_role("listitem", name="Do not disturb")).to_have_count(0)
