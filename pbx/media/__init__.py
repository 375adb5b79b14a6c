"""What the parties of a call say and show, once their signalling has been agreed: relayed, bridged, played.

`plane` is the protocol that calls use, with session descriptions going in and coming out. Two carriers fulfil it:
`embedded` asks worker processes of our own (`worker`, whose packets `relay` handles), `rtpengine` asks rtpengine.
`policy` says which calls need any of that: two phones that reach each other talk directly.
"""
