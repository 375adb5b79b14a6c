"""What only the running engine knows: registrations, and who has to wait after wrong passwords."""

import argparse

from pbx.cli.answer import Answer, duration, moment, table
from pbx.cli.office import Office


def registrations(options: argparse.Namespace, office: Office) -> Answer:
    """The phones that are registered now, of one number or all."""
    asked = {} if options.number is None else {"number": options.number}
    found = office.ask("registrations", **asked)["registrations"]
    rows = [
        [
            one["number"],
            one["sip_name"],
            one["transport"],
            one["source"],
            one["flow"],
            duration(one["expires_in"]),
            one["user_agent"],
        ]
        for one in found
    ]
    headings = ["number", "user name", "over", "from", "flow", "for", "phone"]
    return Answer({"registrations": found}, table(headings, rows, "no phone is registered"))


def blocks(options: argparse.Namespace, office: Office) -> Answer:
    """Who has to wait, and why; or lets somebody try again."""
    if options.release is not None:
        office.ask("blocks.release", what=options.release)
        return Answer({"released": options.release}, [f"{options.release} may try again"])
    found = office.ask("blocks")["blocks"]
    rows = [[one["what"], one["why"], one["attempts"], moment(one["since"]), moment(one["until"])] for one in found]
    return Answer({"blocks": found}, table(["who", "why", "attempts", "since", "until"], rows, "nobody is blocked"))
