"""Interfaces that programs implement: subclass one, and override its methods.

They are ordinary classes, so they mix with others. An exception that leaves a method goes to
sys.unraisablehook, and the call that it was part of fails.
"""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Optional, Sequence, TypeAlias

from . import tensorrt as _native

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined]

    from .tensorrt import (
        CalibrationAlgoType,
        DataType,
        Dims,
        ErrorCodeTRT,
        IAlgorithm,
        IAlgorithmContext,
        SeekPosition,
        TensorLocation,
    )
    from .tensorrt import _Severity
else:
    _Severity = _native._Severity
    _Severity.__name__ = "Severity"
    _Severity.__qualname__ = "ILogger.Severity"


class IVersionedInterface:
    """An interface that has a version."""

    _kind = ""
    _version = (1, 0)

    @property
    def api_language(self) -> "_native.APILanguage":
        """As TensorRT has it: the side that calls is in C++."""
        return _native.APILanguage.CPP

    @property
    def interface_info(self) -> "_native.InterfaceInfo":
        """Its name and version."""
        return _native.InterfaceInfo(self._kind or type(self).__name__, *self._version)


class ILogger:
    """Is told messages. Keep it while anything that it was given to lives."""

    Severity: TypeAlias = _Severity
    INTERNAL_ERROR = _Severity.INTERNAL_ERROR
    ERROR = _Severity.ERROR
    WARNING = _Severity.WARNING
    INFO = _Severity.INFO
    VERBOSE = _Severity.VERBOSE

    def __init__(self) -> None:
        pass

    def log(self, severity: _Severity, msg: str) -> None:
        """A message; called from any thread."""


class Logger(ILogger):
    """Prints messages that are grave enough."""

    def __init__(self, min_severity: _Severity = _Severity.WARNING) -> None:
        super().__init__()
        #: Messages less grave than this one are dropped.
        self._min_severity = ILogger.Severity(min_severity)

    @property
    def min_severity(self) -> _Severity:
        """Messages less grave than this one are dropped."""
        return self._min_severity

    @min_severity.setter
    def min_severity(self, severity: _Severity) -> None:
        self._min_severity = ILogger.Severity(severity)

    def log(self, severity: _Severity, msg: str) -> None:
        """Prints a message, with the time."""
        if severity.value > self._min_severity.value:
            return
        letter = "F" if severity == _Severity.INTERNAL_ERROR else severity.name[0]
        stamp = time.strftime("%m/%d/%Y-%H:%M:%S")
        sys.stdout.write(f"[{stamp}] [TRT] [{letter}] {msg}\n")
        sys.stdout.flush()


class IProfiler:
    """Is told the time of each step of a run."""

    def __init__(self) -> None:
        pass

    def report_layer_time(self, layer_name: str, ms: float) -> None:
        """The time of a step in milliseconds."""
        raise NotImplementedError("IProfiler.report_layer_time() is to be overridden")


class Profiler(IProfiler):
    """Prints the time of each step."""

    def report_layer_time(self, layer_name: str, ms: float) -> None:
        """Prints it."""
        print(f"{layer_name}: {ms}ms")


class IErrorRecorder:
    """Keeps errors. Called from any thread."""

    MAX_DESC_LENGTH = 127

    def __init__(self) -> None:
        pass

    def num_errors(self) -> int:
        """How many errors are kept."""
        raise NotImplementedError("IErrorRecorder.num_errors() is to be overridden")

    def get_error_code(self, arg0: int) -> ErrorCodeTRT:
        """The kind of an error."""
        raise NotImplementedError("IErrorRecorder.get_error_code() is to be overridden")

    def get_error_desc(self, arg0: int) -> str:
        """The text of an error."""
        raise NotImplementedError("IErrorRecorder.get_error_desc() is to be overridden")

    def has_overflowed(self) -> bool:
        """Whether errors were dropped."""
        raise NotImplementedError("IErrorRecorder.has_overflowed() is to be overridden")

    def clear(self) -> None:
        """Forgets all errors."""
        raise NotImplementedError("IErrorRecorder.clear() is to be overridden")

    def report_error(self, arg0: ErrorCodeTRT, arg1: str) -> bool:
        """An error to keep; true where nothing more can be done."""
        raise NotImplementedError("IErrorRecorder.report_error() is to be overridden")


class IProgressMonitor:
    """Is told how far a build is."""

    def __init__(self) -> None:
        pass

    def phase_start(self, phase_name: str, parent_phase: Optional[str], num_steps: int) -> None:
        """A phase begins, perhaps inside another."""
        raise NotImplementedError("IProgressMonitor.phase_start() is to be overridden")

    def step_complete(self, phase_name: str, step: int) -> bool:
        """A step is done. False ends the build."""
        raise NotImplementedError("IProgressMonitor.step_complete() is to be overridden")

    def phase_finish(self, phase_name: str) -> None:
        """A phase has ended, perhaps early."""
        raise NotImplementedError("IProgressMonitor.phase_finish() is to be overridden")


class IGpuAllocator(IVersionedInterface):
    """Gives memory of the device, as integers."""

    _kind = "IGpuAllocator"

    def __init__(self) -> None:
        pass

    def allocate(self, size: int, alignment: int, flags: int) -> Optional[int]:
        """An address; None or 0 where there is no memory."""
        raise NotImplementedError("IGpuAllocator.allocate() is to be overridden")

    def deallocate(self, memory: int) -> bool:
        """Takes memory back."""
        raise NotImplementedError("IGpuAllocator.deallocate() is to be overridden")

    def reallocate(self, address: int, alignment: int, new_size: int) -> Optional[int]:
        """Changes a size; None where that cannot be."""
        return None

    def allocate_async(self, size: int, alignment: int, flags: int, stream: int) -> Optional[int]:
        """As allocate(), in the order of a stream."""
        return self.allocate(size, alignment, flags)

    def deallocate_async(self, memory: int, stream: int) -> bool:
        """As deallocate(), in the order of a stream."""
        return self.deallocate(memory)


class IGpuAsyncAllocator(IGpuAllocator):
    """Gives memory in the order of a stream."""

    def allocate(self, size: int, alignment: int, flags: int) -> Optional[int]:
        """As allocate_async(), on the null stream."""
        return self.allocate_async(size, alignment, flags, 0)

    def deallocate(self, memory: int) -> bool:
        """As deallocate_async(), on the null stream."""
        return self.deallocate_async(memory, 0)

    def allocate_async(self, size: int, alignment: int, flags: int, stream: int) -> Optional[int]:
        """An address; None or 0 where there is no memory."""
        raise NotImplementedError("IGpuAsyncAllocator.allocate_async() is to be overridden")

    def deallocate_async(self, memory: int, stream: int) -> bool:
        """Takes memory back."""
        raise NotImplementedError("IGpuAsyncAllocator.deallocate_async() is to be overridden")


class IOutputAllocator(IVersionedInterface):
    """Gives memory for an output whose size the run tells."""

    _kind = "IOutputAllocator"

    def __init__(self) -> None:
        pass

    def reallocate_output(
        self, tensor_name: str, memory: int, size: int, alignment: int
    ) -> Optional[int]:
        """An address for `size` bytes, which may be `memory` where that is enough."""
        raise NotImplementedError("IOutputAllocator.reallocate_output() is to be overridden")

    def reallocate_output_async(
        self, tensor_name: str, memory: int, size: int, alignment: int, stream: int
    ) -> Optional[int]:
        """As reallocate_output(), in the order of a stream."""
        return self.reallocate_output(tensor_name, memory, size, alignment)

    def notify_shape(self, tensor_name: str, shape: Dims) -> None:
        """The shape of the output."""
        raise NotImplementedError("IOutputAllocator.notify_shape() is to be overridden")


class IDebugListener:
    """Is shown tensors that INetworkDefinition.mark_debug() chose."""

    def __init__(self) -> None:
        pass

    def process_debug_tensor(
        self,
        addr: int,
        location: TensorLocation,
        type: DataType,
        shape: Dims,
        name: str,
        stream: int,
    ) -> Optional[bool]:
        """A tensor, while it is there."""
        raise NotImplementedError("IDebugListener.process_debug_tensor() is to be overridden")


class IStreamReader:
    """Gives the bytes of an engine file one after another."""

    def __init__(self) -> None:
        pass

    def read(self, size: int) -> Buffer:
        """At most `size` bytes."""
        raise NotImplementedError("IStreamReader.read() is to be overridden")


class IStreamReaderV2:
    """Gives any bytes of an engine file."""

    def __init__(self) -> None:
        pass

    def read(self, num_bytes: int, stream: int) -> Buffer:
        """At most `num_bytes` bytes from where it stands."""
        raise NotImplementedError("IStreamReaderV2.read() is to be overridden")

    def seek(self, offset: int, where: SeekPosition) -> bool:
        """Stands elsewhere."""
        raise NotImplementedError("IStreamReaderV2.seek() is to be overridden")


class IStreamWriter:
    """Takes the bytes of an engine file."""

    def __init__(self) -> None:
        pass

    def write(self, data: bytes) -> int:
        """How many bytes were taken."""
        raise NotImplementedError("IStreamWriter.write() is to be overridden")


class IInt8Calibrator:
    """Gives samples, from which ranges for INT8 follow."""

    def __init__(self) -> None:
        pass

    def get_batch_size(self) -> int:
        """How many samples a batch has."""
        raise NotImplementedError("IInt8Calibrator.get_batch_size() is to be overridden")

    def get_algorithm(self) -> CalibrationAlgoType:
        """How ranges follow from samples."""
        raise NotImplementedError("IInt8Calibrator.get_algorithm() is to be overridden")

    def get_batch(self, names: list[str]) -> Optional[Sequence[int]]:
        """The addresses of a batch, one for each name; None when there are no more."""
        raise NotImplementedError("IInt8Calibrator.get_batch() is to be overridden")

    def read_calibration_cache(self) -> Optional[Buffer]:
        """What write_calibration_cache() was given, or None."""
        return None

    def write_calibration_cache(self, cache: Any) -> None:
        """The ranges, to keep."""


class IInt8LegacyCalibrator(IInt8Calibrator):
    """Cuts off the greatest samples."""

    def get_algorithm(self) -> CalibrationAlgoType:
        """LEGACY_CALIBRATION."""
        return _native.CalibrationAlgoType.LEGACY_CALIBRATION


class IInt8EntropyCalibrator(IInt8Calibrator):
    """Keeps the most information of activations and weights."""

    def get_algorithm(self) -> CalibrationAlgoType:
        """ENTROPY_CALIBRATION."""
        return _native.CalibrationAlgoType.ENTROPY_CALIBRATION


class IInt8EntropyCalibrator2(IInt8Calibrator):
    """Keeps the most information of activations."""

    def get_algorithm(self) -> CalibrationAlgoType:
        """ENTROPY_CALIBRATION_2."""
        return _native.CalibrationAlgoType.ENTROPY_CALIBRATION_2


class IInt8MinMaxCalibrator(IInt8Calibrator):
    """Keeps the least and the greatest sample."""

    def get_algorithm(self) -> CalibrationAlgoType:
        """MINMAX_CALIBRATION."""
        return _native.CalibrationAlgoType.MINMAX_CALIBRATION


class IAlgorithmSelector:
    """Chooses among candidates for a layer."""

    def __init__(self) -> None:
        pass

    def select_algorithms(
        self, context: IAlgorithmContext, choices: Sequence[IAlgorithm]
    ) -> Sequence[int]:
        """The indices of the candidates that may be used."""
        raise NotImplementedError("IAlgorithmSelector.select_algorithms() is to be overridden")

    def report_algorithms(
        self, contexts: Sequence[IAlgorithmContext], choices: Sequence[IAlgorithm]
    ) -> None:
        """What the build chose."""
        raise NotImplementedError("IAlgorithmSelector.report_algorithms() is to be overridden")
