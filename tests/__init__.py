"""The tests of the server. `support` has what they share, `unit` mirrors the packages."""
