"""Input in the shape of its model, whether it came by HTTP or by Socket.IO."""

from typing import Any

from pydantic import BaseModel, ValidationError

from web.errors import Invalid

# That are told apart: a body of a megabyte can have a hundred thousand, and telling them takes seconds.
MOST_PROBLEMS = 50


def read(model: type[BaseModel], values: Any, place: str) -> BaseModel:
    """What came in, as its model; `place` is where it came. Raises Invalid."""
    try:
        found = model.model_validate(values)
    except ValidationError as error:
        raise _invalid(error, place) from error
    if has_nul(values):
        raise Invalid("a text has no NUL characters")
    return found


def has_nul(values: Any) -> bool:
    """Whether a NUL character stands in any of these texts, which PostgreSQL can't store or compare."""
    waiting = [values]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            if "\0" in one:
                return True
        elif isinstance(one, dict):
            waiting += one
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return False


def _invalid(error: ValidationError, place: str) -> Invalid:
    """What is wrong, by field."""
    count = error.error_count()
    if count > MOST_PROBLEMS:
        return Invalid(f"{place}: {count} things are wrong")
    details: dict[str, list[str]] = {}
    for problem in error.errors(include_url=False, include_context=False, include_input=False):
        where = ".".join(str(part) for part in problem["loc"]) or place
        details.setdefault(where, []).append(problem["msg"])
    first = next(iter(details))
    return Invalid(f"{first}: {details[first][0]}", details=details)
