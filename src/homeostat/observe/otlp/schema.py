"""The bytes twin of the OTLP schema: the same fields, with every `string` read as `bytes`.

The protobuf library refuses a whole message over one string that is not UTF-8. The twin has the same wire form and
refuses only what is really broken, so one bad string never costs a batch. Its texts become U+FFFD where they are read.
"""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.descriptor import Descriptor
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from opentelemetry.proto.common.v1 import common_pb2
from opentelemetry.proto.logs.v1 import logs_pb2
from opentelemetry.proto.metrics.v1 import metrics_pb2
from opentelemetry.proto.resource.v1 import resource_pb2
from opentelemetry.proto.trace.v1 import trace_pb2

_POOL: Final = DescriptorPool()


def _read_strings_as_bytes(message: DescriptorProto) -> None:
    for field in message.field:
        if field.type == FieldDescriptorProto.TYPE_STRING:
            field.type = FieldDescriptorProto.TYPE_BYTES
    for nested in message.nested_type:
        _read_strings_as_bytes(nested)


def _add_twins() -> None:
    for module in (common_pb2, resource_pb2, trace_pb2, logs_pb2, metrics_pb2):
        file = FileDescriptorProto()
        module.DESCRIPTOR.CopyToProto(file)
        for message in file.message_type:
            _read_strings_as_bytes(message)
        _POOL.Add(file)


_add_twins()


def _message(name: str) -> Any:
    return GetMessageClass(_POOL.FindMessageTypeByName(f"opentelemetry.proto.{name}"))


TracesData: Final = _message("trace.v1.TracesData")
LogsData: Final = _message("logs.v1.LogsData")
MetricsData: Final = _message("metrics.v1.MetricsData")

#: The original descriptors, where text is still told from bytes: the JSON form needs the difference.
ORIGINALS: Final[dict[str, Descriptor]] = {
    "traces": trace_pb2.TracesData.DESCRIPTOR,
    "logs": logs_pb2.LogsData.DESCRIPTOR,
    "metrics": metrics_pb2.MetricsData.DESCRIPTOR,
}
