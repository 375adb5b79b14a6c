"""Many users from a file, as a spreadsheet saves it."""

import re

from pydantic import Field

from pbx.directory.errors import BadFile
from pbx.directory.importing import import_file, read_users
from web.api.section import Access, Section
from web.api.shapes import Shape
from web.auth.sessions import SignedIn
from web.services import services

section = Section("admin_importing", title="admin: users", prefix="/api/v1/admin")


class ImportBody(Shape):
    """A file of users."""

    csv: str = Field(max_length=1_000_000, examples=["number,name,role\n101,Anna Orlova,user\n"])
    dry_run: bool = Field(default=True, description="check everything and add nobody")


class ImportProblem(Shape):
    """A line that is wrong; line 0 is the file as a whole."""

    line: int = Field(examples=[3])
    message: str = Field(examples=["number 101 is taken by Anna Orlova"])


class ImportReport(Shape):
    """What came of the file, or would. Nobody is added where there are errors. SIP passwords are shown this once."""

    added: list[str] = Field(examples=[["101", "102"]])
    errors: list[ImportProblem]
    passwords: dict[str, str] = Field(examples=[{"101": "k7m2xq9hd4vbtw3ce"}], description="for the phones, by number")
    dry_run: bool


@section.post("/users/import", Access.ADMIN, body=ImportBody, answer=ImportReport)
def import_users(user: SignedIn, body: ImportBody) -> ImportReport:
    """Add the users of a CSV file: all of them, or none with every line that is wrong.

    The columns are number, name, role, employee-id, password, sip-password, in any order.
    """
    given = services()
    content = body.csv.encode()
    try:
        numbers = [line.number for line in given.threads.run_slow(lambda: read_users(content))]
        added = given.threads.run_slow(
            lambda: import_file(given.store, content, box=given.box, actor=user.number, dry_run=body.dry_run)
        )
    except BadFile as error:
        return ImportReport(
            added=[], errors=[_problem(one) for one in error.problems], passwords={}, dry_run=body.dry_run
        )
    given.take_over(one.number for one in added)
    passwords = {one.number: one.sip_password for one in added}
    return ImportReport(added=numbers, errors=[], passwords=passwords, dry_run=body.dry_run)


def _problem(text: str) -> ImportProblem:
    """A problem of a file, which begins with its line where it has one."""
    found = re.match(r"line ([0-9]+): (.*)", text, re.DOTALL)
    return ImportProblem(line=int(found[1]), message=found[2]) if found else ImportProblem(line=0, message=text)
