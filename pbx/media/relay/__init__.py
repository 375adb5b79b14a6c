"""What a media process does with packets: relays, translates, encrypts, plays; one thread, one packet at a time.

`worker` (above this folder) reads requests; `session` carries them out: it reads a description (`remote`), decides
what the other party gets (`describe`, `formats`) and opens what carries it: `rtp_leg` has ports of its own,
`webrtc_leg` lives on the port that all browsers share (`hub`, `ice`, `dtls`). A `stream` is one m= line of one leg
and knows where its packets go on to. `packet` is the buffer in which each packet is received, changed and sent.
"""
