"""SIP MESSAGE between phones (RFC 3428): passed on at once, or kept until the receiver registers."""
