"""What AOC lets administrations ask of the embedded exchange service: granted, withdrawn, shown."""
