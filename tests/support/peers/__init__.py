"""Third-party telephones, unmodified, as the tests' other side.

`base.Phone` is what all of them can do; `baresip`, `linphone` and `pjsua` are they. `sipp` runs scenarios. `available`
knows which a machine has. All stay on 127.0.0.1 and on ports that were free.

`web_phone` alone is ours: it speaks as a page in a browser does. `cable` is a connection that a test can cut.
"""
