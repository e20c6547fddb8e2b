"""Long runs against a server that is killed, frozen and started at random."""
