"""Who and what can be called: users, their devices and forwarding rules, groups.

The database holds the truth and `service` changes it. The call engine works on an immutable
`snapshot` of it, so that routing a call reads memory only.
"""
