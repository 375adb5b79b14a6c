"""Groups: numbers that stand for several others."""

from pydantic import Field

from pbx.directory.groups import MAX_MEMBERS, GroupSet, list_groups, remove_group, set_group
from pbx.directory.snapshot import Group, Strategy
from web.api.section import Access, Section
from web.api.shapes import Page, Shape, Warned
from web.auth.sessions import SignedIn
from web.services import services

section = Section("admin_groups", title="admin: groups", prefix="/api/v1/admin")


class GroupShape(Shape):
    """A group, with its members in the order in which they ring where they ring in turn."""

    number: str = Field(examples=["600"])
    members: list[str] = Field(examples=[["101", "102"]])
    strategy: Strategy
    version: int = Field(examples=[3])


class GroupPage(Page[GroupShape]):
    """All groups, by number."""


class GroupBody(Shape):
    """What a group shall be."""

    members: list[str] = Field(min_length=1, max_length=MAX_MEMBERS, examples=[["101", "102"]])
    strategy: Strategy | None = Field(default=None, description="null: as it is, or all for a new group")


class GroupDone(GroupShape, Warned):
    """The group as it now is."""


@section.get("/groups", Access.ADMIN, answer=GroupPage)
def show_groups(user: SignedIn) -> GroupPage:
    """All groups."""
    del user
    groups = services().read(list_groups)
    return GroupPage(items=[_shape(group) for group in groups.values()])


@section.put("/groups/<number>", Access.ADMIN, body=GroupBody, answer=GroupDone)
def put_group(user: SignedIn, number: str, body: GroupBody) -> GroupDone:
    """Make a group, or give it other members; in force for the next call."""
    done: GroupSet = services().act(
        lambda tx: set_group(tx, number, body.members, actor=user.number, strategy=body.strategy)
    )
    return GroupDone(**_shape(done.group).model_dump(), warnings=list(done.warnings))


@section.delete("/groups/<number>", Access.ADMIN, answer=Warned)
def delete_group(user: SignedIn, number: str) -> Warned:
    """Remove a group; warns of the rules that still lead to it."""
    warnings = services().act(lambda tx: remove_group(tx, number, actor=user.number))
    return Warned(warnings=list(warnings))


def _shape(group: Group) -> GroupShape:
    return GroupShape(number=group.number, members=list(group.members), strategy=group.strategy, version=group.version)
