"""Calls: back-to-back user agents that walk a plan, bridge two legs, and leave a record.

A call has legs; each leg is one party's dialog with its own Call-ID. `call` decides by the plan, `ringing` asks
phones, `bridge` carries what one party asks across to the other, `transfer` moves a party to somebody else.
"""
