"""Transactions (RFC 3261 §17, RFC 6026): four machines as tables, and the registry that finds them."""
