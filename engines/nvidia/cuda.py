"""The little of the CUDA driver that running an engine needs, through cuda-python: device, stream, buffers, graphs."""

from __future__ import annotations

import ctypes
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import BackendUnavailable, EngineError

log = logging.getLogger(__name__)

# cuda.core has objects for these calls, but takes 0.18 s to load where the bindings take 0.04, and without a GPU it
# cannot be tested: even its ``Device`` looks for the driver.

INSTALL = "pip install cuda-python"


@dataclass(frozen=True, slots=True)
class Gpu:
    """An NVIDIA device.

    Attributes:
        name: the maker's, for example ``NVIDIA GeForce RTX 3060``.
        capability: compute capability, for example ``8.6``.
        memory: bytes.
    """

    name: str
    capability: str
    memory: int


def driver() -> Any:
    """cuda-python's driver module, initialised.

    Raises:
        BackendUnavailable: the package or NVIDIA's driver is missing.
    """
    try:
        from cuda.bindings import driver as cuda
    except ImportError as error:
        raise BackendUnavailable(f"The package cuda-python is missing: {INSTALL}.") from error
    try:
        status = cuda.cuInit(0)[0]
    except RuntimeError as error:  # the library itself was not found
        log.debug("%s", error)
        raise BackendUnavailable("There is no NVIDIA driver on this machine.") from error
    if status != cuda.CUresult.CUDA_SUCCESS:
        raise BackendUnavailable(f"The NVIDIA driver does not work on this machine: {status.name}.")
    return cuda


def find_gpu(index: int = 0) -> Gpu:
    """The device of this number.

    Raises:
        BackendUnavailable: no package, no driver or no such device.
    """
    cuda = driver()
    if index >= call(cuda.cuDeviceGetCount):
        raise BackendUnavailable("There is no NVIDIA GPU in this machine.")
    device = call(cuda.cuDeviceGet, index)
    attribute = cuda.CUdevice_attribute
    major = call(cuda.cuDeviceGetAttribute, attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR, device)
    minor = call(cuda.cuDeviceGetAttribute, attribute.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR, device)
    name = call(cuda.cuDeviceGetName, 128, device).split(b"\0")[0].decode(errors="replace").strip()
    return Gpu(name, f"{major}.{minor}", int(call(cuda.cuDeviceTotalMem, device)))


def call(function: Callable[..., tuple[Any, ...]], *arguments: Any) -> Any:
    """Call the driver; what it returns besides the status.

    Raises:
        EngineError: the status is not success.
    """
    status, *values = function(*arguments)
    if int(status) != 0:
        raise EngineError(f"{function.__name__} failed: {status.name}.")
    return values[0] if values else None


class Recorded:
    """Work captured in a CUDA graph: ``launch`` queues all of it at once."""

    def __init__(self, cuda: Any, executable: Any, stream: Any) -> None:
        self._cuda = cuda
        self._executable = executable
        self._stream = stream

    def launch(self) -> None:
        """Queue the work."""
        call(self._cuda.cuGraphLaunch, self._executable, self._stream)

    def close(self) -> None:
        """Forget the work; it must not be running."""
        self._cuda.cuGraphExecDestroy(self._executable)


class Device:
    """The first GPU with one stream; the buffers belong to it and go with ``close``."""

    def __init__(self, index: int = 0) -> None:
        self.gpu = find_gpu(index)
        self._cuda = driver()
        self._device = call(self._cuda.cuDeviceGet, index)
        self._context = call(self._cuda.cuDevicePrimaryCtxRetain, self._device)
        self._device_buffers: list[Any] = []
        self._host_buffers: list[int] = []
        self.activate()
        self.stream = call(self._cuda.cuStreamCreate, self._cuda.CUstream_flags.CU_STREAM_NON_BLOCKING)

    def activate(self) -> None:
        """Make this device current in the calling thread."""
        call(self._cuda.cuCtxSetCurrent, self._context)

    def allocate(self, size: int) -> int:
        """Address of that many bytes on the device."""
        pointer = call(self._cuda.cuMemAlloc, max(size, 1))
        self._device_buffers.append(pointer)
        return int(pointer)

    def allocate_host(self, size: int) -> NDArray[np.uint8]:
        """That many bytes of page-locked memory, which copies run from without the CPU."""
        address = int(call(self._cuda.cuMemHostAlloc, max(size, 1), 0))
        self._host_buffers.append(address)
        return np.ctypeslib.as_array((ctypes.c_uint8 * max(size, 1)).from_address(address))

    def upload(self, address: int, source: NDArray[np.uint8], size: int) -> None:
        """Queue a copy to the device."""
        call(self._cuda.cuMemcpyHtoDAsync, address, source.ctypes.data, size, self.stream)

    def download(self, target: NDArray[np.uint8], address: int, size: int) -> None:
        """Queue a copy from the device."""
        call(self._cuda.cuMemcpyDtoHAsync, target.ctypes.data, address, size, self.stream)

    def synchronize(self) -> None:
        """Wait for everything queued."""
        call(self._cuda.cuStreamSynchronize, self.stream)

    def capture(self, work: Callable[[], None]) -> Recorded:
        """Record queued work once.

        Raises:
            EngineError: the work cannot be captured.
        """
        cuda = self._cuda
        call(cuda.cuStreamBeginCapture, self.stream, cuda.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL)
        try:
            work()
        except BaseException:
            cuda.cuStreamEndCapture(self.stream)  # leaves the stream usable; the first error is the one to report
            raise
        graph = call(cuda.cuStreamEndCapture, self.stream)
        try:
            executable = call(cuda.cuGraphInstantiate, graph, 0)
        finally:
            cuda.cuGraphDestroy(graph)
        return Recorded(cuda, executable, self.stream)

    def close(self) -> None:
        """Release everything; may be called twice."""
        if self._context is None:
            return
        cuda = self._cuda
        self.activate()
        cuda.cuStreamSynchronize(self.stream)
        for pointer in self._device_buffers:
            cuda.cuMemFree(pointer)
        for address in self._host_buffers:
            cuda.cuMemFreeHost(address)
        cuda.cuStreamDestroy(self.stream)
        cuda.cuDevicePrimaryCtxRelease(self._device)
        self._context = None
