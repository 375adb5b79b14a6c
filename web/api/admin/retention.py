"""How long messages, files and call records are kept; and whose are kept whatever the rules say."""

from pydantic import Field

from messaging.files import FileStore
from messaging.retention import MessageStore, UploadedFileStore
from pbx.calls.expiry import CallRecordStore
from pbx.retention import errors
from pbx.retention.policy import CALLS, DAYS, FILES, MESSAGES, Policy
from pbx.retention.service import (
    REASON_LENGTH,
    lift_hold,
    list_holds,
    policy,
    preview,
    set_hold,
    set_policy,
)
from web.api.section import Access, Section
from web.api.shapes import Moment, Shape
from web.auth.sessions import SignedIn
from web.errors import translate
from web.services import services

section = Section("admin_retention", title="admin: retention", prefix="/api/v1/admin")

translate(errors.NotFound, 404, "not-found")
translate(errors.BadValue, 422, "invalid")

Days = Field(ge=DAYS[0], le=DAYS[-1], examples=[365], description="null: for ever")


class Rules(Shape):
    """Days that things are kept. What is older is removed at night, for good."""

    messages_days: int | None = Days
    files_days: int | None = Days
    calls_days: int | None = Days


class Counts(Shape):
    """How many things would be removed now."""

    messages: int = Field(examples=[1204])
    files: int = Field(examples=[96])
    calls: int = Field(examples=[0])


class NewHold(Shape):
    """Why."""

    reason: str = Field(min_length=1, max_length=REASON_LENGTH, examples=["case 7/2026"])


class Hold(NewHold):
    """A legal hold: nothing that concerns this number is removed."""

    number: str = Field(examples=["102"])
    set_at: Moment
    set_by: str = Field(examples=["101"])


class Holds(Shape):
    """All of them, by number."""

    items: list[Hold]


@section.get("/retention", Access.ADMIN, answer=Rules)
def show_rules(user: SignedIn) -> Rules:
    """The rules."""
    del user
    return _rules(services().read(policy))


@section.put("/retention", Access.ADMIN, body=Rules, answer=Rules)
def put_rules(user: SignedIn, body: Rules) -> Rules:
    """Change the rules; audited."""
    wanted = _policy(body)
    return _rules(services().act(lambda tx: set_policy(tx, wanted.days, actor=user.number)))


@section.post("/retention/preview", Access.ADMIN, body=Rules, answer=Counts)
def show_preview(user: SignedIn, body: Rules) -> Counts:
    """What these rules would remove, if they were in force."""
    del user
    given = services()
    files = FileStore(given.settings.files.folder)
    stores = (MessageStore(files), UploadedFileStore(files), CallRecordStore())
    now = given.now()
    return Counts(**given.read(lambda session: preview(session, stores, _policy(body), now)))


@section.get("/retention/holds", Access.ADMIN, answer=Holds)
def show_holds(user: SignedIn) -> Holds:
    """The legal holds."""
    del user
    rows = services().read(list_holds)
    return Holds(
        items=[Hold(number=row.number, reason=row.reason, set_at=row.set_at, set_by=row.set_by) for row in rows]
    )


@section.put("/retention/holds/<number>", Access.ADMIN, body=NewHold)
def put_hold(user: SignedIn, number: str, body: NewHold) -> None:
    """Keep everything that concerns a user until the hold is lifted; audited."""
    services().act(lambda tx: set_hold(tx, number, body.reason, actor=user.number))


@section.delete("/retention/holds/<number>", Access.ADMIN)
def delete_hold(user: SignedIn, number: str) -> None:
    """Lift a hold; audited. The rules apply from the next night on."""
    services().act(lambda tx: lift_hold(tx, number, actor=user.number))


def _policy(rules: Rules) -> Policy:
    return Policy({MESSAGES: rules.messages_days, FILES: rules.files_days, CALLS: rules.calls_days})


def _rules(found: Policy) -> Rules:
    return Rules(messages_days=found.days[MESSAGES], files_days=found.days[FILES], calls_days=found.days[CALLS])
