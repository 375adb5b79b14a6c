"""What the server costs, side by side with Kamailio: `python -m tests.benchmarks --all --markdown`.

No test: nothing passes or fails here, and a run takes minutes of a machine that does nothing else. The load is made by
a kit that is no part of this repository (`tests/support/shared.py` says where it is looked for) with SIPp.
"""
