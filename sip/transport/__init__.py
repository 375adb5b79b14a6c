"""Transports: UDP, TCP, TLS, WS and WSS as flows (RFC 5626 §1), IPv4 and IPv6."""
