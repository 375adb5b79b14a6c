"""Session descriptions (RFC 8866) and their negotiation (RFC 3264), without sockets and without media.

`lines` are the values of which a description is made, `description` reads and writes the whole, `attributes` and
`codecs` give meaning to what a=, rtpmap and fmtp say. `negotiation` is about one offer and its answer.
`quick` is the path of every call that has nothing special: bytes in, bytes out.
"""
