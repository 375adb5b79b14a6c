"""Search in what was said, and in the names of files."""

from pydantic import Field

from messaging.search import MAX_QUERY, MOST, PAGE, find
from web.api.chat_shapes import ChatMessage, shape_of_message
from web.api.section import Access, Section
from web.api.shapes import LARGEST_ID, Page, Shape
from web.auth.sessions import SignedIn
from web.services import services

section = Section("chat_search", title="search")


class SearchQuery(Shape):
    """What to look for."""

    q: str = Field(max_length=MAX_QUERY, examples=["quarterly rep"], description="words, or beginnings of words")
    conversation: int | None = Field(default=None, ge=0, le=LARGEST_ID, description="in this one alone")
    before: int | None = Field(default=None, ge=0, le=LARGEST_ID, description="the cursor `next` of the part before")
    limit: int = Field(default=PAGE, ge=1, le=MOST)


class FoundPage(Page[ChatMessage]):
    """Messages, the newest first."""


@section.get("/search", Access.USER, query=SearchQuery, answer=FoundPage)
def search(user: SignedIn, query: SearchQuery) -> FoundPage:
    """Messages of my conversations that have all these words."""
    found = services().read(
        lambda session: find(
            session,
            query.q,
            actor=user.number,
            conversation=query.conversation,
            before=query.before,
            limit=query.limit,
        )
    )
    following = str(found.messages[-1].id) if found.more else None
    return FoundPage(items=[shape_of_message(one) for one in found.messages], next=following)
