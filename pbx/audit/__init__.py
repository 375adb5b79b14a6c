"""Who changed what, and when: one line for every action of an admin or on somebody's rights."""
