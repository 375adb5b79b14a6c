"""What tests share: servers and phones that they start, wires, clocks, and how to tell a tone."""
