"""`gorizont user`: people with a number."""

import argparse
import sys
from pathlib import Path
from typing import Any

from pbx.accounts import account as account_values
from pbx.cli import phone
from pbx.cli.answer import Answer, CliError, details, table
from pbx.cli.forwarding import in_words, rule_values
from pbx.cli.office import Office
from pbx.directory.checks import access_user
from pbx.directory.devices import list_devices
from pbx.directory.errors import BadFile
from pbx.directory.forwarding import list_rules
from pbx.directory.importing import import_file
from pbx.directory.models import UserRow
from pbx.directory.secrets import hash_password
from pbx.directory.users import add_user, list_users, remove_user, set_user

FROM_INPUT = "-"


def add(options: argparse.Namespace, office: Office) -> Answer:
    """Adds a user; the answer has what to type into the first phone."""
    sip_password, password_hash = _passwords(options)
    with office.change() as tx:
        user = add_user(
            tx,
            options.number,
            box=office.box,
            actor=office.actor,
            name=options.name,
            role=options.role or "user",
            employee_id=options.employee_id,
            password_hash=password_hash,
            sip_password=sip_password,
        )
    account = user.sip_name, user.sip_password
    return Answer(
        {"number": user.number, "name": user.name, **account_values(office.settings, *account)},
        [
            f"User {user.number}, {user.name}, is there. Type into the phone:",
            "",
            *phone.lines(office.settings, *account),
            "",
            "The password is shown this once.",
        ],
    )


def show_all(_options: argparse.Namespace, office: Office) -> Answer:
    """Everybody, by number."""
    with office.store.reading() as session:
        users = [_values(user) for user in list_users(session)]
    rows = [[user["number"], user["name"], user["role"], user["employee_id"]] for user in users]
    return Answer({"users": users}, table(["number", "name", "role", "employee id"], rows, "there are no users"))


def show(options: argparse.Namespace, office: Office) -> Answer:
    """One user, with devices and rules."""
    with office.store.reading() as session:
        row = access_user(session, options.number)
        user = _values(row)
        devices = [{"sip_name": device.sip_name, "label": device.label} for device in list_devices(session, row.number)]
        rules = list_rules(session, row.number)
    pairs = [(name.replace("_", " "), value) for name, value in user.items()]
    pairs += [("device", f"{device['sip_name']} ({device['label']})") for device in devices]
    pairs += [("rule", f"{rule.kind}: {in_words(rule)}") for rule in rules]
    return Answer({**user, "devices": devices, "rules": [rule_values(rule) for rule in rules]}, details(pairs))


def change(options: argparse.Namespace, office: Office) -> Answer:
    """Changes what is given."""
    sip_password, password_hash = _passwords(options)
    with office.change() as tx:
        row = set_user(
            tx,
            options.number,
            box=office.box,
            actor=office.actor,
            name=options.name,
            role=options.role,
            employee_id=options.employee_id,
            password_hash=password_hash,
            sip_password=sip_password,
        )
        user = _values(row)
    return Answer(user, [f"user {user['number']}, {user['name']}, is changed"])


def remove(options: argparse.Namespace, office: Office) -> Answer:
    """Removes a user, with warnings of what still leads there."""
    with office.change() as tx:
        warnings = remove_user(tx, options.number, actor=office.actor)
    return Answer({"removed": options.number}, [f"user {options.number} is removed"], warnings)


def load(options: argparse.Namespace, office: Office) -> Answer:
    """Adds the users of a file; the answer has their SIP passwords."""
    content = _read(options.file)
    try:
        with office.telling_engine():
            added = import_file(office.store, content, box=office.box, actor=office.actor, dry_run=options.dry_run)
    except BadFile as error:
        return Answer({"problems": list(error.problems)}, error.problems, failure=str(error))
    if options.dry_run:
        return Answer({"users": []}, ["the file is good: nobody was added"])
    users = [
        {"number": user.number, "name": user.name, "sip_name": user.sip_name, "sip_password": user.sip_password}
        for user in added
    ]
    headings = ["number", "name", "user name in the phone", "password, shown this once"]
    return Answer({"users": users}, table(headings, [list(user.values()) for user in users], "the file has no users"))


def _values(user: UserRow) -> dict[str, Any]:
    return {
        "number": user.number,
        "name": user.name,
        "role": user.role,
        "employee_id": user.employee_id,
        "version": user.version,
    }


def _passwords(options: argparse.Namespace) -> tuple[str | None, str | None]:
    """The SIP password, and the hash of the other: made before the transaction, since it takes long."""
    sip_password = _typed(options.sip_password)
    password = _typed(options.password)
    if password == "":
        raise CliError("a password has at least one character")
    return sip_password, None if password is None else hash_password(password)


def _typed(password: str | None) -> str | None:
    """The password itself, or the next line of input, which other users of the machine can't see."""
    return sys.stdin.readline().rstrip("\r\n") if password == FROM_INPUT else password


def _read(file: str) -> bytes:
    if file == FROM_INPUT:
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise CliError(f"cannot read {file}: {error.strerror}") from error
