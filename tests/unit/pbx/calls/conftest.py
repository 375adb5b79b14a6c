"""Offices on a wire in memory, as the scenarios of calls have them: nothing may be left at their end."""

from tests.scenarios.calls.conftest import make_office, office

__all__ = ["make_office", "office"]
