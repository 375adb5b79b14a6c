"""Chat: conversations, messages, attachments, read marks and search.

Every change takes the next number of one sequence (`messaging.sequence`), so that a client which knows
the last number that it has seen can ask for all that came after it (`messaging.sync`).
"""
