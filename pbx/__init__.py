"""Telephony, and the platform that the rest of the server stands on.

The platform parts (storage, bus, directory, audit) and the routing know nothing of SIP. The
registrar and the calls speak it through the package `sip`.
"""
