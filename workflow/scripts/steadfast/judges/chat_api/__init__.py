"""Parts of the kind ``chat``: settings, requests, the endpoint, and parsing of its answers."""
