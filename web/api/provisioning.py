"""What Linphone fetches after it has read a QR code: its account. See `web.provisioning`."""

from flask import Response, request

from pbx.directory.models import DeviceRow
from web.api.section import Access, Section
from web.errors import Missing
from web.provisioning import linphone_document
from web.services import services

section = Section("provisioning")

USED = "this address was used already, or its time is up: make the phone's account again"


@section.get("/provisioning/<token>", Access.PUBLIC, sends="application/xml")
def show_configuration(token: str) -> Response:
    """The configuration of a Linphone, once: whoever has the address has the account. 404 after that."""
    given = services()
    if request.method == "HEAD":  # of somebody who only looks whether there is something
        return Response(status=204)
    sip_name = given.tickets.take(token)
    device = given.read(lambda session: session.get(DeviceRow, sip_name)) if sip_name is not None else None
    if device is None:
        raise Missing(USED)
    password = given.box.unseal(device.sip_name, device.sealed_password)
    document = linphone_document(given.settings, device.sip_name, password, name=given.name_of(device.number))
    return Response(document, mimetype="application/xml")
