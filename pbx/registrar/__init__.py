"""Where users can be reached: phones prove who they are and leave their contact (RFC 3261 §10, §22).

`registrar.Registrar` answers REGISTER, `authenticator.Authenticator` says on whose behalf any request comes,
`bindings.Bindings` holds what is registered now and `reach.route_of` how to get there. Nothing here waits:
bindings live in memory, and `persistence` hands them to the writer of the storage.
"""
