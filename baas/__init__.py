"""The service: whose chain it is, what was recorded, and what it proved."""
