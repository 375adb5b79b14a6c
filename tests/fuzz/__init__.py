"""Fuzz targets: `python -m tests.fuzz.fuzz_sdp -runs=100000`. They need atheris, which none of the tests does.

Each target `fuzz_NAME` has a function `check_NAME` that takes octets and raises only where something is wrong with our
code, and `SEEDS` to begin from; property tests may call the same functions.
"""
