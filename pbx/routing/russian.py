"""The phrases of explanations in Russian, in the terms of the web client's forwarding page.

A number is spoken of as its subscriber (абонент), hence the masculine. What is being rung "вызывается": "звонит 102"
would be read as "102 is calling". A reason begins as the client looks for it, with "потому что", "по правилу" or
"следующий в группе".
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pbx.directory.snapshot import EVERY_DAY, Rule, RuleKind
from pbx.routing.forwarding import MAX_DIVERSIONS
from pbx.routing.number import ANONYMOUS
from pbx.routing.outcome import Outcome
from pbx.routing.plan import MAX_STEPS
from pbx.routing.reasons import Rejected, Why
from pbx.routing.route import Redirect
from pbx.routing.schedule import format_days, format_time
from pbx.routing.words import Words, shown

_DAYS = ("пн", "вт", "ср", "чт", "пт", "сб", "вс")

_ON_DAY = (
    "в понедельник",
    "во вторник",
    "в среду",
    "в четверг",
    "в пятницу",
    "в субботу",
    "в воскресенье",
)

_KINDS = {
    RuleKind.ALWAYS: "всегда",
    RuleKind.BUSY: "занято",
    RuleKind.NO_ANSWER: "нет ответа",
    RuleKind.UNREACHABLE: "не в сети",
    RuleKind.DND: "не беспокоить",
    RuleKind.CALLER: "для определённых звонящих",
    RuleKind.TIME: "в определённое время",
}

_HAPPENS = {
    Outcome.BUSY: ("занят", "заняты"),
    Outcome.REFUSED: ("отклоняет звонок", "отклоняют звонок"),
    Outcome.DND: ("просит не беспокоить", "просят не беспокоить"),
    Outcome.NO_ANSWER: ("не отвечает", "не отвечают"),
    Outcome.UNREACHABLE: ("не в сети", "не в сети"),
}

_HAPPENED = {
    Outcome.ANSWERED: "ответил",
    Outcome.BUSY: "был занят",
    Outcome.REFUSED: "отклонил звонок",
    Outcome.DND: "просил не беспокоить",
    Outcome.NO_ANSWER: "не ответил",
    Outcome.UNREACHABLE: "был не в сети",
    Outcome.CANCELLED: "больше не вызывался",
    Outcome.FAILED: "не удалось вызвать",
    Outcome.NOT_FOUND: "уже не существовал",
}

_ENDS = {
    Outcome.ANSWERED: "отвечен",
    Outcome.BUSY: "занято",
    Outcome.REFUSED: "отклонён",
    Outcome.DND: "не беспокоить",
    Outcome.NO_ANSWER: "нет ответа",
    Outcome.UNREACHABLE: "никого нет в сети",
    Outcome.CANCELLED: "звонивший положил трубку",
    Outcome.FAILED: "сбой",
    Outcome.NOT_FOUND: "нет такого номера",
}

_STOPPED = {
    Why.LOOP: "{} уже есть в этой цепочке",
    Why.IS_CALLER: "{} и есть звонящий",
    Why.HOPS: f"достигнут предел переадресаций ({MAX_DIVERSIONS})",
    Why.STEPS: f"достигнут предел шагов ({MAX_STEPS})",
    Why.NOT_FOUND: "{} не существует",
    Why.NOT_A_NUMBER: "«{}» — не номер",
    Why.TWICE: "{} уже вызывается",
}


class Russian(Words):
    """Rings, rules and ends in Russian."""

    def listed(self, words: Sequence[str]) -> str:
        return _joined(words, "и")

    def any_of(self, words: Sequence[str]) -> str:
        return _joined(words, "или")

    def heading(self, caller: str | None, dialled: str, at: datetime, directory_version: int) -> str:
        who = "со скрытого номера" if caller is None else f"с {shown(caller)}"
        day = f"{_ON_DAY[at.weekday()]} {at:%d.%m.%Y} в {at:%H:%M}"
        return f"звонок {who} на {shown(dialled)} {day}, версия справочника {directory_version}"

    def ringing(self, targets: Sequence[str], group: str | None, seconds: int) -> str:
        verb = "одновременно вызываются" if len(targets) > 1 else "вызывается"
        whom = self.listed(targets)
        if group is not None:
            whom += f" (группа {group})"
        return f"{verb} {whom} в течение {seconds} с"

    def because_dialled(self, number: str) -> str:
        return f"потому что набран {number}"

    def next_in(self, group: str) -> str:
        return f"следующий в группе {group}"

    def in_place(self, target: str, number: str) -> str:
        return f"{target} вместо {number}"

    def by(self, rules: Sequence[str]) -> str:
        return ", затем ".join([f"по правилу {rule}" for rule in rules])

    def name_of(self, rule: Rule, owner: str | None) -> str:
        words = f"«{_KINDS[rule.kind]}»"
        if rule.start is not None and rule.end is not None:
            words += f" {format_time(rule.start)}–{format_time(rule.end)}"
            if rule.days != EVERY_DAY:
                words += f" {format_days(rule.days, _DAYS).replace('-', '–').replace(',', ', ')}"
        if rule.caller is not None:
            words += " (без номера)" if rule.caller == ANONYMOUS else f" {rule.caller}"
        if owner is not None:
            words += f" абонента {owner}"
        return f"{words} (версия {rule.version})"

    def takes_no_call(self, *, plural: bool) -> str:
        return "не принимают звонок" if plural else "не принимает звонок"

    def does(self, outcome: Outcome, *, plural: bool) -> str:
        one, several = _HAPPENS[outcome]
        return several if plural else one

    def happened(self, target: str, outcome: Outcome, seconds: float) -> str:
        words = f"{target} {_HAPPENED[outcome]}"
        if round(seconds) < 1:
            return words
        return f"{words} через {seconds:.0f} с" if outcome is Outcome.ANSWERED else f"{words} ({seconds:.0f} с)"

    def redirected(self, wish: Redirect) -> str:
        phone = f"телефон абонента {wish.by}"
        contacts = self.listed([shown(contact) for contact in wish.contacts])
        return f"{phone} перенаправил звонок на {contacts}" if contacts else f"{phone} перенаправил звонок в никуда"

    def call_ends(self) -> str:
        return "звонок завершается"

    def ending(self, outcome: Outcome) -> str:
        return _ENDS[outcome]

    def nobody_took_it(self) -> str:
        return "никто не принял звонок"

    def nothing_rang(self) -> str:
        return "ни один телефон не зазвонил"

    def record_ends(self) -> str:
        return "на этом запись обрывается"

    def rejection(self, rejected: Rejected, caller: str | None, at: datetime) -> str:
        number = rejected.number
        rule = self.name_of(rejected.rule, number) if rejected.rule else number
        match rejected.why:
            case Why.NOT_NOW:
                return f"правило {rule} не действовало {_ON_DAY[at.weekday()]} в {format_time(at.time())}"
            case Why.OTHER_CALLER:
                whom = "без номера" if caller is None else shown(caller)
                return f"правило {rule} не действовало для звонящего {whom}"
            case Why.OUTRANKED:
                return f"правило {rule} не рассматривалось: другое правило важнее"
            case Why.NO_TARGET:
                return f"в правиле {rule} не указано, кому звонить: применяется правило «{_KINDS[RuleKind.BUSY]}»"
            case Why.RINGS_WITH_OTHERS:
                return f"правило {rule} не применяется: {number} вызывается вместе с другими"
            case Why.DND:
                return f"{number} не вызывается по правилу {rule}"
            case Why.AT_ONCE:
                return f"группа {number} вызывается вся сразу, а не по очереди: вместе с ней вызываются другие"
        target = rejected.target or number
        cause = _STOPPED[rejected.why].format(shown(target))
        if rejected.why is Why.IS_CALLER and caller is None:  # who calls stays hidden from those who read this, too
            cause = "для этого звонка не подходит"
        if rejected.target is not None:
            if rejected.rule:
                return f"переадресация на {target} по правилу {rule} остановлена: {cause}"
            return f"вызов {shown(target)} для {number} остановлен: {cause}"
        return f"правило {rule} не применяется: {cause}" if rejected.rule else cause


def _joined(words: Sequence[str], last: str) -> str:
    return f"{', '.join(words[:-1])} {last} {words[-1]}" if len(words) > 1 else "".join(words)
