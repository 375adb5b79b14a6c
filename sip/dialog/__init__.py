"""Dialogs (RFC 3261 §12): the identity and the route that two user agents share."""
