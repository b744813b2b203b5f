"""The address of an API: parsing of `base_url`, and arguments for requests.

In addition to addresses that end in `/v1`, Azure's versioned form is supported, which sends the key in a separate
header: `https://NAME.openai.azure.com/openai/deployments/DEPLOYMENT?api-version=...`. A query must not contain a
secret, since it is recorded.
"""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from steadfast.core.errors import ConfigError

_ENDPOINT = "/chat/completions"
_VERSION = "api-version"
_AZURE = re.compile(r"\.(?:openai|services\.ai|cognitiveservices)\.azure\.(?:com|us|cn)$")
_SECRET = re.compile(r"key|token|secret|passw|auth|credential|(?:^|[-_])sig(?:nature)?$|^code$", re.IGNORECASE)
_EXAMPLE = "https://host/v1"


@dataclass(frozen=True)
class Address:
    """Where requests go.

    Attributes:
        url: the address without its query, to which `/chat/completions` is appended.
        query: query parameters of every request.
        key_header: header for the key; None for `Authorization: Bearer`.
    """

    url: str
    query: tuple[tuple[str, str], ...] = ()
    key_header: str | None = None

    @property
    def identity(self) -> str:
        """The address as part of a request's cache key."""
        return f"{self.url}?{urlencode(self.query)}" if self.query else self.url

    def client_arguments(self, key: str | None) -> dict[str, Any]:
        """Arguments of the OpenAI client that depend on the address."""
        query = {"default_query": dict(self.query)} if self.query else {}
        return {"base_url": self.url, "api_key": key or "none", **query}

    def request_arguments(self, key: str | None) -> dict[str, Any]:
        """Arguments of every request that depend on the address."""
        if self.key_header is None:
            return {}
        from openai import Omit

        return {"extra_headers": {self.key_header: key or "none", "Authorization": Omit()}}


def read_address(base_url: str) -> Address:
    """The address in `base_url`.

    Raises:
        ConfigError: it is not an address, or contains a secret.
    """
    text = base_url.strip()
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise ConfigError(f"base_url: {text.partition('?')[0]!r} is not an address: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"base_url: {text.partition('?')[0]!r} is not an address; it looks like {_EXAMPLE}")
    query = parse_qsl(parts.query, keep_blank_values=True)
    secrets = [name for name, _ in query if _SECRET.search(name)]
    if parts.username or parts.password or secrets:
        found = f"the parameter {secrets[0]!r}" if secrets else "a user name or password"
        raise ConfigError(f"base_url: {found} is not allowed in it; put the key into 'api_key_env'")
    if parts.fragment:
        raise ConfigError(f"base_url: '#{parts.fragment}' is not allowed in it; it looks like {_EXAMPLE}")
    path = parts.path.rstrip("/").removesuffix(_ENDPOINT).rstrip("/")
    _check_azure(parts.hostname, path, dict(query))
    dated = "/deployments/" in path
    return Address(f"{parts.scheme}://{parts.netloc}{path}", tuple(query), "api-key" if dated else None)


def _check_azure(host: str, path: str, query: dict[str, str]) -> None:
    """Reject two addresses that Azure's pages show but that are not addresses of the chat API."""
    if "/deployments/" in path and _VERSION not in query:
        raise ConfigError(f"base_url: an address with '/deployments/' needs a version: {path}?{_VERSION}=2024-10-21")
    if _AZURE.search(host) and not re.search(r"/v1$|/deployments/[^/]+$|/models$", path):
        raise ConfigError(
            f"base_url: {host}{path} is not the address of Azure's chat API; it looks like https://{host}/openai/v1 "
            f"(with the deployment as 'model') or https://{host}/openai/deployments/DEPLOYMENT?{_VERSION}=2024-10-21"
        )
