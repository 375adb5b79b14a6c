'''The HTTP API, one module for each subject.

A module has its shapes, its section and its views:

    """Notes: what a user writes down for himself."""

    section = Section("notes")

    class NewNote(Shape):
        text: str = Field(max_length=1000, examples=["Call Boris back"])

    @section.post("/notes", Access.USER, body=NewNote, answer=Note, status=201)
    def add_note(user: SignedIn, body: NewNote) -> Note:
        """Write a note.

        The first line is the operation's summary in the OpenAPI description, the rest its text.
        """
        given = services()
        row = given.act(lambda tx: notes.add(tx, user.number, body.text, actor=user.number))
        return Note(id=row.id, text=row.text)

- **Registered** by its name in `SECTIONS` below. `Section` puts it below /api/v1. The rows of
  `tests/unit/web/access.py` say who may call it; a route without a row fails there.
- **The user** comes as the argument `user` for Access.USER and Access.ADMIN (others got 401 or 403 before). For
  Access.PUBLIC there is no such argument. Whoever acts is `actor=user.number`.
- **What is somebody else's**, as an admin may see it, is audited before it is shown:
  `services().looks.note(user.number, RULES_VIEWED, number)` (`web.looks`).
- **Changes** of one user, all but GET, are counted before the view: too many at once were answered with 429.
- **Input** is validated by `query=` and `body=` models and comes as the arguments of these names; parts of the path
  come by their names. What has another shape was answered with 422 before. A view that reads octets has no `body`
  model and sets its own limit first: `request.max_content_length = ...` (otherwise 1 MiB, and 16 KiB from those who are
  not signed in), then reads `request.stream`.
- **Errors**: raise one of `web.errors` (`Missing("there is no such note")`), or let the errors of the packages below
  pass: `web.errors.translate(NotYours, 403, "not-yours")`, once at import, says what theirs stand for. Input that is
  well formed but not good: `Invalid("words", details={"text": ["words"]})`.
- **The database** is used in its threads only: `services().read(lambda session: ...)` and
  `services().act(lambda tx: ...)`, where the lambda gets a SQLAlchemy session or a `Transaction`. Both wait for the
  result without blocking others. Other work that takes long: `services().threads.run(...)`; a core for long:
  `services().threads.run_slow(...)`. In a thread there is no `request`, and nothing of Socket.IO may be touched.
- **Events**: an action says `tx.emit(NoteAdded(...))`; a handler that was registered once by
  `services.events.on(NoteAdded, handler)` runs in the loop after the commit, in the order of commits, and sends by
  `services.rooms.to_user(number, data)` (see `web.live.rooms`, `web.live.events`). Handlers are registered by a
  function `connect(services)` of a module in `web.live`, named in `web.live.gateway.LISTENERS`.
- **Answers** are models too; an `answer` of None is 204 without content. A view may return a Flask Response instead
  (files, ranges); of what media type, `sends=` says.
- **Live requests** (Socket.IO) are in `web.live.gateway` and answer with {"ok": ...} or {"error": ...} alike.
'''

from importlib import import_module

from apiflask import APIFlask

SECTIONS = (
    "session",
    "start",
    "people",
    "me",
    "devices",
    "provisioning",
    "forwarding",
    "calls",
    "chat",
    "chat_uploads",
    "chat_files",
    "chat_search",
    "admin.overview",
    "admin.users",
    "admin.importing",
    "admin.devices",
    "admin.groups",
    "admin.live",
    "admin.records",
    "admin.simulation",
    "admin.retention",
    "admin.holds",
)
"""Modules of this package, each with a `section`."""


def register(app: APIFlask) -> None:
    """Adds all sections to the application."""
    for name in SECTIONS:
        app.register_blueprint(import_module(f"web.api.{name}").section.blueprint)
