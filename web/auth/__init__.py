"""Who signs in, and who is signed in.

`sign_in` checks passwords and slows guessing down, `sessions` keeps who is signed in where, `access` tells a request's
user and refuses forged requests, `uses` notes when sessions were used, `passwords` says what a password has to be. The
first account of all is made by `pbx.directory.first_admin`.
"""
