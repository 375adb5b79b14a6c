"""How long messages, files and call records are kept."""

from pydantic import Field

from messaging.retention import MessageStore, UploadedFileStore
from pbx.calls.expiry import CallRecordStore
from pbx.retention import errors
from pbx.retention.policy import CALLS, DAYS, FILES, MESSAGES, Policy
from pbx.retention.service import policy, preview, set_policy
from web.api.section import Access, Section
from web.api.shapes import Shape
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
    stores = (MessageStore(), UploadedFileStore(), CallRecordStore())
    now = given.now()
    return Counts(**given.read(lambda session: preview(session, stores, _policy(body), now)))


def _policy(rules: Rules) -> Policy:
    return Policy({MESSAGES: rules.messages_days, FILES: rules.files_days, CALLS: rules.calls_days})


def _rules(found: Policy) -> Rules:
    return Rules(messages_days=found.days[MESSAGES], files_days=found.days[FILES], calls_days=found.days[CALLS])
