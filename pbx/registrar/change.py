"""What one REGISTER does to the bindings of an account, worked out before anything of it happens.

RFC 3261 §10.3 step 7: all updates of a request are made, or none.
"""

from pbx.registrar.bindings import Binding
from pbx.registrar.contacts import Wish
from pbx.registrar.errors import RegistrationRefused
from sip.errors import ParseError
from sip.uri import SipUri, check_uri


class Change:
    """Starts from the bindings that a number has; those of other accounts of the number are left alone.

    `kept` are the bindings that stay, `removed` those that go, `added` the new ones, each with the one that it
    takes the place of.
    """

    __slots__ = ("_call_id", "_cseq", "_sip_name", "added", "kept", "removed")

    def __init__(self, held: tuple[Binding, ...], sip_name: str, call_id: str, cseq: int) -> None:
        self._sip_name = sip_name
        self._call_id = call_id
        self._cseq = cseq
        self.kept = list(held)
        self.removed: list[Binding] = []
        self.added: list[tuple[Binding, Binding | None]] = []

    def own(self) -> list[Binding]:
        """The account's bindings after the change."""
        own = [binding for binding, _ in self.added]
        return own + self._own_kept()

    def remove_all(self) -> None:
        """Takes out every binding of the account. Raises RegistrationRefused."""
        for binding in self._own_kept():
            self._take(binding)

    def remove(self, wish: Wish) -> None:
        """Takes out what a contact with `expires` 0 means. Raises RegistrationRefused, ParseError."""
        for binding in self._meant_by(wish):
            self._take(binding)
        # A contact that is given twice counts as it is given last.
        for pair in [one for one in self.added if _same_contact(one[0], wish)]:
            self.added.remove(pair)
            if pair[1] is not None:
                self.removed.append(pair[1])

    def add(self, wish: Wish, binding: Binding) -> None:
        """Puts a binding in the place of what its contact means. Raises RegistrationRefused, ParseError."""
        before: Binding | None = None
        for held in self._meant_by(wish):
            self._take(held)
            before = self.removed.pop() if before is None else before
        if self.added:  # likewise
            self.added = [pair for pair in self.added if pair[0].row_id != binding.row_id]
        self.added.append((binding, before))

    def _own_kept(self) -> list[Binding]:
        return [held for held in self.kept if held.sip_name == self._sip_name]

    def _take(self, binding: Binding) -> None:
        # RFC 3261 §10.3: a request that was overtaken by a later one of the same client fails.
        if binding.call_id == self._call_id and self._cseq <= binding.cseq:
            raise RegistrationRefused(500, "CSeq Not Higher Than Before")
        self.kept.remove(binding)
        self.removed.append(binding)

    def _meant_by(self, wish: Wish) -> list[Binding]:
        """The bindings that a contact updates.

        The same flow of the same phone (RFC 5626 §6); where one of the two has no `reg-id`, an equivalent URI
        (RFC 3261 §10.3), or else the same phone at an address that it had before.
        """
        own = self._own_kept()
        if wish.reg_id is not None:
            flows = [held for held in own if held.reg_id == wish.reg_id and held.instance == wish.instance]
            if flows:
                return flows
            own = [held for held in own if held.reg_id is None]
        same = [held for held in own if held.contact == wish.uri]
        if not same:
            _check_contact(wish.uri)
            if own:
                uri = SipUri.parse(wish.uri)
                same = [held for held in own if uri.equivalent(SipUri.parse(held.contact))]
        if not same and wish.instance is not None:
            same = [held for held in own if held.instance == wish.instance]
        return same


def _same_contact(binding: Binding, wish: Wish) -> bool:
    if wish.reg_id is not None:
        return binding.reg_id == wish.reg_id and binding.instance == wish.instance
    return binding.reg_id is None and binding.contact == wish.uri


def _check_contact(text: str) -> None:
    """Raises ParseError where a contact is none that a request can be sent to."""
    if text.partition(":")[0].lower() not in ("sip", "sips"):
        raise ParseError("Contact is no SIP URI")
    try:
        check_uri(text)
    except ParseError as error:
        raise ParseError(f"Contact: {error}") from None
