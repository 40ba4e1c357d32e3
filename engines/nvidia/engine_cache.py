"""Built engines on disk: found again by everything they depend on, written whole, checked before use.

An engine is a program for one version of one library on one kind of GPU; given to another, the library fails with an
opaque message or worse. So a file begins with a description of what it was built for and a checksum, and is only handed
to the library when both agree.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from core.errors import EngineError
from engines.files import digest, make_folder, write_whole

log = logging.getLogger(__name__)

MAGIC = b"SKPENG1\n"
VARIABLE = "SKELEPROMPT_CACHE"
"""Environment variable that names another cache folder."""


@dataclass(frozen=True, slots=True)
class EngineKey:
    """Everything that an engine depends on.

    Attributes:
        library: ``tensorrt`` or ``tensorrt-rtx``.
        version: of the library.
        gpu: name and compute capability, or the compute capability alone when it is built for another machine.
        precision: ``fp32``, ``fp16`` or ``int8``.
        profile: shapes that it is built for.
        model: hash of the shipped ONNX file.
    """

    library: str
    version: str
    gpu: str
    precision: str
    profile: str
    model: str

    def file_name(self, stem: str) -> str:
        """Name of the file in the cache."""
        return f"{stem}-{self.precision}-{digest(*asdict(self).values())}.engine"


@dataclass(frozen=True, slots=True)
class StoredEngine:
    """An engine as it lies on disk."""

    key: EngineKey
    metadata: dict[str, str]
    plan: bytes


def cache_folder() -> Path:
    """Folder for built engines, made if needed: ``SKELEPROMPT_CACHE``, or the user's cache folder on this system.

    Raises:
        EngineError: it cannot be made.
    """
    named = os.environ.get(VARIABLE)
    folder = Path(named) if named else user_cache_path("skeleprompt", appauthor=False, opinion=False)
    try:
        make_folder(folder)
    except EngineError as error:
        raise EngineError(f"{error} Set {VARIABLE} to another one.") from error
    return folder


def store(path: Path, engine: StoredEngine) -> None:
    """Write an engine, whole or not at all."""
    head = {**asdict(engine.key), "metadata": engine.metadata, "sha256": hashlib.sha256(engine.plan).hexdigest()}
    text = json.dumps(head).encode()
    write_whole(path, MAGIC + len(text).to_bytes(4, "little") + text + engine.plan)


def fetch(path: Path) -> StoredEngine:
    """Read an engine and check that it is whole.

    Raises:
        EngineError: it is missing, truncated, damaged, or no engine file of this project.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise EngineError(f"The engine {path} cannot be read: {error.strerror or error}.") from error
    start = len(MAGIC) + 4
    if not data.startswith(MAGIC) or len(data) < start:
        raise EngineError(f"{path.name} is no engine file of this project.")
    end = start + int.from_bytes(data[len(MAGIC) : start], "little")
    plan = data[end:]
    try:
        head = json.loads(data[start:end])
        key = EngineKey(**{field: head[field] for field in EngineKey.__slots__})
        if head["sha256"] != hashlib.sha256(plan).hexdigest():
            raise ValueError
        return StoredEngine(key, dict(head["metadata"]), plan)
    except (ValueError, KeyError, TypeError) as error:
        raise EngineError(f"The engine file {path.name} is truncated or damaged.") from error


def differences(found: EngineKey, wanted: EngineKey) -> str:
    """What an engine was built for that is not what is wanted, in words; empty when all agrees."""
    pairs = ((field, getattr(found, field), getattr(wanted, field)) for field in EngineKey.__slots__)
    return ", ".join(f"{field} {old} instead of {new}" for field, old, new in pairs if old != new)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock beside ``path``; other processes that build the same engine wait and then find it built.

    The lock is the operating system's, so a process that dies releases it.

    Raises:
        EngineError: the folder cannot be written to, or its file system knows no locks.
    """
    lock = FileLock(path.with_suffix(".lock"), fallback_to_soft=False)  # a soft lock would outlive its process
    try:
        try:
            lock.acquire(blocking=False)
        except Timeout:
            log.info("another process is building %s: waiting for it", path.name)
            lock.acquire()
    except OSError as error:
        reason = error.strerror or error
        raise EngineError(
            f"The folder {path.parent} cannot keep engines ({reason}): name another one with {VARIABLE}."
        ) from error
    try:
        yield
    finally:
        lock.release()
