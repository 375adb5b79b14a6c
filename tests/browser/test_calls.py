"""Browsers call each other."""

from playwright.sync_api import Locator, Page, expect

from tests.browser.office import Office

AUDIBLE = 0.01  # of full scale

# The loudest sample until something can be heard, or for two and a half seconds.
HEARD = """
async () => {
  const audio = document.querySelector('audio[data-call]');
  if (!audio?.srcObject) return 0;
  const context = new AudioContext();
  const analyser = context.createAnalyser();
  context.createMediaStreamSource(audio.srcObject).connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  let loudest = 0;
  for (let turn = 0; turn < 25 && loudest <= AUDIBLE; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    analyser.getFloatTimeDomainData(samples);
    loudest = Math.max(loudest, ...samples.map(Math.abs));
  }
  await context.close();
  return loudest;
}
""".replace("AUDIBLE", str(AUDIBLE))


def bar(page: Page) -> Locator:
    return page.get_by_role("region", name="Current call")


def test_a_browser_calls_a_browser_and_both_hear_each_other(office: Office) -> None:
    anna, boris = office.sign_in("101", "Anna Orlova"), office.sign_in("102", "Boris Klimov")
    anna.wait_for_phone()
    boris.wait_for_phone()
    anna.dial("102")
    card = boris.page.get_by_role("alertdialog", name="Incoming call from Anna Orlova")
    card.get_by_role("button", name="Answer").click()
    expect(bar(anna.page).get_by_role("button", name="Mute")).to_be_visible()
    expect(bar(boris.page).get_by_role("button", name="Mute")).to_be_visible()
    assert anna.page.evaluate(HEARD) > AUDIBLE
    assert boris.page.evaluate(HEARD) > AUDIBLE
    bar(anna.page).get_by_role("button", name="Hang up").click()
    expect(bar(boris.page).get_by_text("Call ended")).to_be_visible()
    assert (anna.open_tracks(), boris.open_tracks()) == (0, 0)


def test_a_video_call_shows_both_pictures_and_closes_the_cameras(office: Office) -> None:
    anna, boris = office.sign_in("101", "Anna Orlova"), office.sign_in("102", "Boris Klimov")
    anna.wait_for_phone()
    boris.wait_for_phone()
    anna.go("People")
    anna.page.get_by_role("link").filter(has_text="Boris Klimov").click()
    anna.page.get_by_role("main").get_by_role("button", name="Video call with Boris Klimov").click()
    card = boris.page.get_by_role("alertdialog", name="Incoming call from Anna Orlova")
    card.get_by_role("button", name="With video").click()
    for person in (anna, boris):
        person.page.get_by_role("button", name="Open the call").first.click()
        person.wait_for_videos(2)
    anna.page.get_by_role("button", name="Hang up").click()
    expect(boris.page.get_by_role("button", name="Hang up")).to_have_count(0)
    assert (anna.open_tracks(), boris.open_tracks()) == (0, 0)


def test_a_declined_call_says_so_and_is_missed_by_nobody(office: Office) -> None:
    anna, boris = office.sign_in("101", "Anna Orlova"), office.sign_in("102", "Boris Klimov")
    anna.wait_for_phone()
    boris.wait_for_phone()
    anna.dial("102")
    boris.page.get_by_role("alertdialog").get_by_role("button", name="Decline").click()
    expect(bar(anna.page).get_by_text("Boris Klimov declined the call")).to_be_visible()
    assert anna.open_tracks() == 0


def test_a_call_stands_in_the_history_with_its_reasons(office: Office) -> None:
    anna, boris = office.sign_in("101", "Anna Orlova"), office.sign_in("102", "Boris Klimov")
    anna.wait_for_phone()
    boris.wait_for_phone()
    anna.dial("102")
    boris.page.get_by_role("alertdialog").get_by_role("button", name="Answer").click()
    expect(bar(anna.page).get_by_role("button", name="Hold")).to_be_visible()
    bar(anna.page).get_by_role("button", name="Hold").click()
    expect(bar(boris.page).get_by_text("You are on hold")).to_be_visible()
    bar(anna.page).get_by_role("button", name="Resume").click()
    expect(bar(boris.page).get_by_text("You are on hold")).to_have_count(0)
    bar(anna.page).get_by_role("button", name="Hang up").click()
    anna.go("Calls")
    anna.page.get_by_role("link").filter(has_text="Boris Klimov").first.click()
    expect(anna.page.get_by_role("heading", name="Why it went there")).to_be_visible()
    expect(anna.page.get_by_text("was dialled")).to_be_visible()


def test_a_call_is_transferred_and_the_two_who_stay_hear_each_other(office: Office) -> None:
    anna, boris = office.sign_in("101", "Anna Orlova"), office.sign_in("102", "Boris Klimov")
    vera = office.sign_in("103", "Vera Sokolova")
    for person in (anna, boris, vera):
        person.wait_for_phone()
    anna.dial("102")
    boris.page.get_by_role("alertdialog").get_by_role("button", name="Answer").click()
    bar(boris.page).get_by_role("button", name="Transfer").click()
    boris.page.get_by_role("textbox", name="Transfer to …").fill("Vera")
    boris.page.keyboard.press("Enter")
    vera.page.get_by_role("alertdialog", name="Incoming call from Anna Orlova").get_by_role(
        "button", name="Answer"
    ).click()
    expect(bar(vera.page).get_by_role("button", name="Mute")).to_be_visible()
    expect(bar(boris.page).get_by_role("button", name="Mute")).to_have_count(0)
    assert vera.page.evaluate(HEARD) > AUDIBLE
    assert anna.page.evaluate(HEARD) > AUDIBLE
    bar(anna.page).get_by_role("button", name="Hang up").click()


def test_a_transfer_after_asking_joins_the_two_others(office: Office) -> None:
    anna, boris = office.sign_in("101", "Anna Orlova"), office.sign_in("102", "Boris Klimov")
    vera = office.sign_in("103", "Vera Sokolova")
    for person in (anna, boris, vera):
        person.wait_for_phone()
    anna.dial("102")
    boris.page.get_by_role("alertdialog").get_by_role("button", name="Answer").click()
    bar(boris.page).get_by_role("button", name="Transfer").click()
    boris.page.get_by_role("textbox", name="Transfer to …").fill("Vera")
    boris.page.get_by_role("button", name="Ask Vera Sokolova first").click()
    vera.page.get_by_role("alertdialog").get_by_role("button", name="Answer").click()
    expect(bar(anna.page).get_by_text("You are on hold")).to_be_visible()
    bar(boris.page).get_by_role("button", name="Connect both").click()
    expect(bar(anna.page).get_by_text("You are on hold")).to_have_count(0)
    expect(bar(boris.page).get_by_role("button", name="Mute")).to_have_count(0)
    assert vera.page.evaluate(HEARD) > AUDIBLE
    assert anna.page.evaluate(HEARD) > AUDIBLE
