"""What the kind ``chat`` is made of: settings, requests, the endpoint, and the reading of its answers."""
