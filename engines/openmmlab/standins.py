"""Stand-ins for packages that mmpose names while it is imported, but that running a model does not need.

mmpose imports its training and drawing code together with the models, so packages that only those parts use must be
importable. Each stand-in has exactly the names that are looked up at import. It is made only where the real package is
absent: the finder is the last one asked, so whatever is installed is found first. It serves only inside
    :func:`standing_in`: afterwards
the absent packages are absent again for everybody, so code that tests for them at run time gets the true answer.

``pkg_resources`` left setuptools with version 82; mmengine asks it where a package is installed, which
:mod:`importlib.metadata` answers.
"""

from __future__ import annotations

import importlib.metadata
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class _Distribution:
    """What mmengine asks of an installed distribution."""

    def __init__(self, name: str) -> None:
        self._distribution = importlib.metadata.distribution(name)
        self.location = str(self._distribution.locate_file(""))

    def has_metadata(self, name: str) -> bool:
        return self._distribution.read_text(name) is not None

    def get_metadata(self, name: str) -> str:
        return self._distribution.read_text(name) or ""


def _absent(qualified: str) -> type:
    """A class that can be imported and subclassed, but refuses to be made into an object."""

    def refuse(self: object, *args: Any, **kwargs: Any) -> None:
        package = qualified.rpartition(".")[0]
        raise ImportError(f"This model needs {qualified}, and {package} is not installed.")

    return type(qualified.rpartition(".")[2], (), {"__init__": refuse, "__doc__": f"Stands for {qualified}."})


def _uncompiled(operation: str) -> Callable[..., Any]:
    """An operation of mmcv's compiled part, to be looked up but not called."""
    if operation.startswith("__"):
        raise AttributeError(operation)

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise ImportError(
            f"This model needs the compiled operation {operation} of mmcv, and only mmcv-lite is installed."
        )

    return refuse


def _identity(value: Any) -> Any:
    """One process holds the whole batch: its mean is the mean."""
    return value


STAND_INS: dict[str, Callable[[], dict[str, Any]]] = {
    "torchvision": dict,
    "torchvision.transforms": lambda: {"ToPILImage": _absent("torchvision.transforms.ToPILImage")},
    "mmcv._ext": lambda: {"__getattr__": _uncompiled},
    "mmdet": dict,
    "mmdet.utils": lambda: {"ConfigType": dict, "reduce_mean": _identity},
    "xtcocotools": dict,
    "xtcocotools.mask": dict,
    "xtcocotools.coco": lambda: {"COCO": _absent("xtcocotools.coco.COCO")},
    "xtcocotools.cocoeval": lambda: {"COCOeval": _absent("xtcocotools.cocoeval.COCOeval")},
    "pkg_resources": lambda: {
        "DistributionNotFound": importlib.metadata.PackageNotFoundError,
        "get_distribution": _Distribution,
    },
}
"""Module name -> the names it offers; a parent is listed before its children."""

_PACKAGES = frozenset(name for name in STAND_INS if any(other.startswith(f"{name}.") for other in STAND_INS))


class _Finder(MetaPathFinder, Loader):
    """Makes the modules of ``STAND_INS``, when nobody else could."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in STAND_INS or not self._may_stand(fullname):
            return None
        return ModuleSpec(fullname, self, is_package=fullname in _PACKAGES)

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__.update(STAND_INS[module.__name__]())

    def _may_stand(self, fullname: str) -> bool:
        """A part of a real package is never invented, except the compiled one that the light build of mmcv leaves
        out."""
        parent = fullname.rpartition(".")[0]
        return not parent or fullname == "mmcv._ext" or is_stand_in(sys.modules.get(parent))


def is_stand_in(module: ModuleType | None) -> bool:
    """Whether a module was made here."""
    return isinstance(getattr(getattr(module, "__spec__", None), "loader", None), _Finder)


_lock = threading.RLock()
_depth = 0
_finder = _Finder()


@contextmanager
def standing_in() -> Iterator[None]:
    """Let absent packages be imported inside the ``with`` block; may be nested and used from several threads."""
    global _depth
    with _lock:
        if _depth == 0:
            sys.meta_path.append(_finder)
        _depth += 1
        try:
            yield
        finally:
            _depth -= 1
            if _depth == 0:
                sys.meta_path.remove(_finder)
                _forget()


def _forget() -> None:
    """Take the stand-ins out of the interpreter's list of modules; whoever imported their names keeps those."""
    for name in [name for name in STAND_INS if is_stand_in(sys.modules.get(name))]:
        module = sys.modules.pop(name)
        parent, _, child = name.rpartition(".")
        if vars(sys.modules.get(parent, module)).get(child) is module:
            delattr(sys.modules[parent], child)
