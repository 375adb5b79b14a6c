"""Fuzz targets: `python -m tests.fuzz.fuzz_sdp -runs=100000`. They need atheris, which none of the tests does.

Each target has a function that takes octets and raises only where something is wrong with our code; the property
tests call the same functions.
"""
