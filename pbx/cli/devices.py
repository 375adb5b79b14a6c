"""`gorizont device`: the accounts that phones sign in by."""

import argparse

from pbx.accounts import account as account_values
from pbx.cli import phone
from pbx.cli.answer import Answer, table
from pbx.cli.office import Office
from pbx.directory.devices import add_device, list_devices, remove_device


def add(options: argparse.Namespace, office: Office) -> Answer:
    """Gives a user one more account; the answer has what to type into the phone."""
    label = {} if options.label is None else {"label": options.label}
    with office.change() as tx:
        device = add_device(tx, options.number, box=office.box, actor=office.actor, **label)
    account = device.sip_name, device.sip_password
    return Answer(
        {"number": options.number, "label": device.label, **account_values(office.settings, *account)},
        [
            f"A device of {options.number}, {device.label}, is there. Type into the phone:",
            "",
            *phone.lines(office.settings, *account),
            "",
            "The password is shown this once.",
        ],
    )


def show_all(options: argparse.Namespace, office: Office) -> Answer:
    """The devices of a user, the oldest first."""
    with office.store.reading() as session:
        devices = [
            {"sip_name": device.sip_name, "label": device.label, "created_at": device.created_at.isoformat()}
            for device in list_devices(session, options.number)
        ]
    rows = [[device["sip_name"], device["label"]] for device in devices]
    return Answer({"devices": devices}, table(["user name", "label"], rows, f"{options.number} has no devices"))


def remove(options: argparse.Namespace, office: Office) -> Answer:
    """Removes an account."""
    with office.change() as tx:
        remove_device(tx, options.sip_name, actor=office.actor)
    return Answer({"removed": options.sip_name}, [f"device {options.sip_name} is removed"])
