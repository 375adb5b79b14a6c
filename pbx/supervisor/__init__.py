"""Starts the processes of an installation, restarts those that die, and stops them all in good order."""
