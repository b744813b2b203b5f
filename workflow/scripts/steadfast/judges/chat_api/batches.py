"""Requests through a provider's batch API: requests are uploaded and answers downloaded as files, at a lower price.

The API is OpenAI's: a file of requests is uploaded, a batch is created from it and polled until it has ended, and its
output and error files are read. Answers go into the same result cache, under the same keys, as those of single
requests. A record of each submitted batch is stored next to the cache, in a file named by the batch's content, so that
an interrupted job resumes polling its batch instead of paying for another. If the job was killed before it wrote that
file, the batch is found by the name in its metadata.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from steadfast.core.result_cache import ResultCache
from steadfast.judges.chat_api.endpoint import FIRST_WAIT, LONGEST_BACKOFF, Endpoint
from steadfast.judges.chat_api.faults import EndpointError, Fault, clean, hide
from steadfast.judges.chat_api.reading import Answer
from steadfast.judges.chat_api.replies import read_completion, read_error
from steadfast.judges.chat_api.requests import Request, body_of

URL = "/v1/chat/completions"
WINDOW = "24h"
NAME = "steadfast"
"""Metadata key of a batch that holds the hash of its content."""
FOLDER = "batches"
MOST_BYTES = 100_000_000
"""Maximum size of one file; providers accept up to 200 MB."""
COMPLETED = "completed"
GOES_ON = "Received answers are kept: run again to continue."

NOT_FOUND = 404
ROUNDS = 2
"""Maximum number of submissions of a request."""

Keyed = tuple[str, Request]
Value = TypeVar("Value")


class UnknownToProvider(EndpointError):
    """The provider does not know the batch, or has no batch API."""


@dataclass(frozen=True)
class Submitted:
    """A batch that was created.

    Attributes:
        name: hash of its content.
        batch: its id from the provider.
        requests: its requests by key, so that any run that reads the answers can store all of them.
    """

    name: str
    batch: str
    requests: Mapping[str, Request]


@dataclass
class BatchRun:
    """The requests of one run, sent in batches.

    Attributes:
        endpoint: the endpoint.
        store: the result cache.
        faults: faults by key.
        answered: number of answered requests.
    """

    endpoint: Endpoint
    store: ResultCache
    faults: dict[str, Fault] = field(default_factory=dict, init=False)
    answered: int = field(default=0, init=False)

    async def ask_all(self, requests: Sequence[Keyed]) -> None:
        """Ask all requests (with their keys); none of them may be in the store already.

        What a batch left open, since it expired, is submitted once more.

        Raises:
            EndpointError: a batch was rejected, did not end in time, or more than the allowed share of the requests
                failed. Received answers are kept.
        """
        settings, known = self.endpoint.settings, dict(requests)
        deadline = time.monotonic() + settings.batch_hours * 3600
        for _ in range(ROUNDS):
            waiting = [key for key in known if key not in self.store and self._is_open(key)]
            if not waiting:
                break
            batches = [*self._kept(waiting)]
            under_way = {key for batch in batches for key in batch.requests}
            for chunk in self._chunks([(key, known[key]) for key in waiting if key not in under_way]):
                batches.append(await self._submit(*chunk))
            await self._collect(batches, deadline)
        failed = sum(fault.kind != "case" for key, fault in self.faults.items() if key in known)
        if failed > settings.failed_share * len(known):
            last = next(fault for fault in reversed(self.faults.values()) if fault.kind != "case")
            raise EndpointError(
                f"{self.endpoint.name}: {failed} of {len(known)} requests of a batch failed; the last: {last.reason}. "
                f"{GOES_ON}"
            )

    def _is_open(self, key: str) -> bool:
        """Whether a request may be sent again."""
        return key not in self.faults or self.faults[key].kind == "passing"

    @property
    def _folder(self) -> Path:
        return self.store.directory / FOLDER

    def _kept(self, keys: Sequence[str]) -> Iterator[Submitted]:
        """Batches of earlier runs that contain some of the requests."""
        wanted = set(keys)
        for path in sorted(self._folder.glob("*.json")):
            with suppress(ValueError, KeyError, TypeError):
                record = json.loads(path.read_text(encoding="utf-8"))
                if wanted & set(record["requests"]):
                    print(f"batch {record['batch']} was submitted by an earlier run", flush=True)
                    yield Submitted(path.stem, str(record["batch"]), record["requests"])

    def _chunks(self, requests: Sequence[Keyed]) -> Iterator[tuple[bytes, dict[str, Request]]]:
        """Files of requests within the limits, with their requests by key."""
        lines: list[bytes] = []
        chunk: dict[str, Request] = {}
        size = 0
        for key, request in requests:
            line = self._line(key, request)
            if lines and (len(lines) == self.endpoint.settings.batch_requests or size + len(line) > MOST_BYTES):
                yield b"".join(lines), chunk
                lines, chunk, size = [], {}, 0
            lines.append(line)
            chunk[key] = request
            size += len(line)
        if lines:
            yield b"".join(lines), chunk

    def _line(self, key: str, request: Request) -> bytes:
        body = body_of(request, self.endpoint.model)
        body = {**body, **body.pop("extra_body", {})}
        line = {"custom_id": key, "method": "POST", "url": URL, "body": body}
        return json.dumps(line, ensure_ascii=False).encode() + b"\n"

    async def _submit(self, content: bytes, requests: Mapping[str, Request]) -> Submitted:
        name = hashlib.sha256(content).hexdigest()[:32]
        client: Any = self.endpoint.client
        with suppress(UnknownToProvider):  # not all providers can list batches
            listed = await self._patiently(partial(client.batches.list, limit=100))
            for batch in listed.data:
                if (batch.metadata or {}).get(NAME) == name and (
                    batch.status == COMPLETED or not _has_ended(batch.status)
                ):
                    return self._keep(Submitted(name, batch.id, requests))
        uploaded = await self._patiently(
            lambda: client.files.create(file=(f"{NAME}-{name}.jsonl", content), purpose="batch")
        )
        created = await self._patiently(
            lambda: client.batches.create(
                input_file_id=uploaded.id, endpoint=URL, completion_window=WINDOW, metadata={NAME: name}
            )
        )
        print(f"batch {created.id}: {len(requests)} requests submitted", flush=True)
        return self._keep(Submitted(name, created.id, requests))

    def _keep(self, batch: Submitted) -> Submitted:
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(batch)
        beside = path.with_suffix(".partial")
        beside.write_text(json.dumps({"batch": batch.batch, "requests": batch.requests}), encoding="utf-8")
        beside.replace(path)
        return batch

    def _path(self, batch: Submitted) -> Path:
        return self._folder / f"{batch.name}.json"

    async def _collect(self, batches: Sequence[Submitted], deadline: float) -> None:
        """Wait for batches, and read each as soon as it has ended."""
        waiting = list(batches)
        client: Any = self.endpoint.client
        while waiting:
            for batch in list(waiting):
                try:
                    found = await self._patiently(partial(client.batches.retrieve, batch.batch))
                except UnknownToProvider as error:
                    self._end(batch, f"the provider has no such batch: {error}")
                    waiting.remove(batch)
                    continue
                if _has_ended(found.status):
                    await self._read(batch, found)
                    waiting.remove(batch)
            if waiting:
                if time.monotonic() > deadline:
                    hours = self.endpoint.settings.batch_hours
                    raise EndpointError(
                        f"{self.endpoint.name}: batch {waiting[0].batch} has not ended within {hours:g} hours "
                        f"(`batch_hours`). {GOES_ON}"
                    )
                await asyncio.sleep(self.endpoint.settings.batch_poll)

    async def _read(self, batch: Submitted, found: Any) -> None:
        client: Any = self.endpoint.client
        for file in filter(None, (found.output_file_id, found.error_file_id)):
            content = await self._patiently(partial(client.files.content, file))
            for line in hide(content.text, self.endpoint.secret).splitlines():
                self._take(line, batch.requests)
        if found.status == "failed":
            self._path(batch).unlink(missing_ok=True)
            raise EndpointError(f"{self.endpoint.name}: batch {batch.batch} was rejected: {self._errors(found)}")
        self._end(batch, f"the batch {found.status} without an answer")
        print(f"batch {batch.batch} {found.status}: {self.answered} answered, {len(self.faults)} not", flush=True)

    def _end(self, batch: Submitted, why: str) -> None:
        """Delete the record of a batch whose answers are in the cache; unanswered requests may be sent again."""
        for key in batch.requests:
            if key not in self.store and key not in self.faults:
                self.faults[key] = Fault("passing", why)
        self._path(batch).unlink(missing_ok=True)

    def _take(self, line: str, known: Mapping[str, Request]) -> None:
        """Read one line of an output or error file; lines of unknown requests are skipped."""
        try:
            record = json.loads(line)
            key = record["custom_id"]
        except (ValueError, KeyError, TypeError):
            return
        if key not in known or key in self.store:
            return
        outcome = self._outcome(record)
        if isinstance(outcome, Answer):
            self.store.put(known[key], outcome.record())
            self.faults.pop(key, None)
            self.answered += 1
        else:
            self.faults[key] = outcome

    def _outcome(self, record: Mapping[str, Any]) -> Answer | Fault:
        response, secret = record.get("response"), self.endpoint.secret
        if not isinstance(response, Mapping):
            error = record.get("error") or {}
            return Fault("passing", clean(f"not answered: {error.get('code')}: {error.get('message')}", secret))
        status, text = int(response.get("status_code") or 200), json.dumps(response.get("body"))
        if status >= 400:
            return read_error(status, text, {}, secret)
        return self.endpoint.checked(read_completion(text, secret))

    def _errors(self, found: Any) -> str:
        errors = getattr(found.errors, "data", None) or []
        reasons = "; ".join(str(error.message) for error in errors) or "the provider does not say why"
        return clean(reasons, self.endpoint.secret)

    async def _patiently(self, call: Callable[[], Awaitable[Value]]) -> Value:
        """Make a call of the interface, again where what went wrong may pass.

        Raises:
            EndpointError: it does not work.
        """
        from openai import APIConnectionError, APIStatusError, APITimeoutError

        secret = self.endpoint.secret
        for attempt in range(self.endpoint.settings.retries + 1):
            try:
                return await call()
            except APIStatusError as error:
                fault = read_error(error.status_code, error.response.text, error.response.headers, secret)
            except (APIConnectionError, APITimeoutError) as error:
                fault = Fault("passing", clean(f"connection failed: {error.__cause__ or error}", secret))
            if fault.status == NOT_FOUND:
                raise UnknownToProvider(fault.reason)
            if fault.kind != "passing":
                break
            backoff = min(FIRST_WAIT * 2**attempt, LONGEST_BACKOFF)
            await asyncio.sleep(max(backoff, fault.wait or 0.0))
        raise EndpointError(f"{self.endpoint.name}: the batch interface does not work: {fault.reason}. {GOES_ON}")


def _has_ended(status: str) -> bool:
    """Whether a batch has ended: completed, expired, failed or canceled."""
    return status in (COMPLETED, "expired", "failed") or (status.startswith("cancel") and status.endswith("ed"))
