"""What browsers talk to: the HTTP API, Socket.IO, sign-in, the web client's files, and SIP through one origin.

A process of its own under gevent (`web.server`). It reads and writes the database, asks the engine on the bus, and
never speaks SIP itself: `sip_tunnel` passes that on as octets.
"""
