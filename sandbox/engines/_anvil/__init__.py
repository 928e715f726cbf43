"""The parts of the anvil engine: its process, its binary, the block journal, state dumps, sealing and reads."""
