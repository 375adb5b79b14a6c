"""What browsers hear of changes that people make: directory, forwarding, devices, profile."""

from pbx.directory.events import DeviceAdded, DeviceRemoved
from pbx.directory.snapshot import Directory, RuleKind
from web.happenings import CallsLookedAt, DirectoryTaken, ProfileTouched
from web.live.events import CallsSeen, DeviceChanged, DirectoryChanged, ForwardingChanged, ProfileChanged
from web.services import Services

MOST_NAMED = 200  # changed numbers that an event names; beyond that, all are fetched again


def connect(given: Services) -> None:
    """Registers what is told, and to whom."""
    told = _Told(given)
    given.events.on(DirectoryTaken, lambda _: told.directory())
    given.events.on(DeviceAdded, lambda event: given.rooms.to_users(event.numbers, DeviceChanged()))
    given.events.on(DeviceRemoved, lambda event: given.rooms.to_users(event.numbers, DeviceChanged()))
    given.events.on(ProfileTouched, lambda event: _tell_profile(given, event))
    given.events.on(CallsLookedAt, lambda event: given.rooms.to_user(event.number, CallsSeen()))


class _Told:
    """Compares the directory with the one that browsers were told of."""

    def __init__(self, given: Services) -> None:
        self._given = given
        self._directory = given.directory
        given.presence.do_not_disturb(_undisturbed(self._directory))

    def directory(self) -> None:
        """Tells what is different, whoever changed it."""
        before, now = self._directory, self._given.directory
        self._directory = now
        changed = [
            number
            for entries in ((before.users, now.users), (before.groups, now.groups))
            for number in {**entries[0], **entries[1]}
            if entries[0].get(number) != entries[1].get(number)
        ]
        if not changed:
            return
        self._given.presence.do_not_disturb(_undisturbed(now))
        for number in changed:
            old, new = before.users.get(number), now.users.get(number)
            if old is not None and new is not None and old.rules != new.rules:
                self._given.rooms.to_user(number, ForwardingChanged())
        named = sorted(changed) if len(changed) <= MOST_NAMED else []
        self._given.rooms.to_everyone(DirectoryChanged(numbers=named))


def _undisturbed(directory: Directory) -> set[str]:
    """Who has a rule that nobody shall disturb him."""
    return {number for number, user in directory.users.items() if any(rule.kind is RuleKind.DND for rule in user.rules)}


def _tell_profile(given: Services, event: ProfileTouched) -> None:
    given.rooms.to_user(event.number, ProfileChanged())
    if event.shown:
        given.rooms.to_everyone(DirectoryChanged(numbers=[event.number]))
