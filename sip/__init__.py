"""The SIP protocol, nothing else: messages, transactions, dialogs, transports, SDP, digest.

Knows neither telephony nor the organisation: `pbx` is built on top of it.
"""
