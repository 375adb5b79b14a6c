"""How long messages, files and call records are kept; what a legal hold keeps longer."""
