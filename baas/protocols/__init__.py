"""Wire formats that a service and its client must read alike; each module is one protocol, and opens no socket."""
