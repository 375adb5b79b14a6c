"""What browsers hear without asking: Socket.IO with its rooms, the events that go out, and presence.

`events` is the one source of what an event carries; `rooms` sends; `gateway` lets browsers in; `dispatch` brings the
events of actions from the database threads to the loop; `engine_events` follows the bus; `presence` tells who is there.
"""
