"""How the processes of an installation tell each other what happened, and ask each other for something."""
