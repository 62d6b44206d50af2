"""OpenTelemetry set up at import, as its manual shows: its processor starts its thread again in every worker."""

import os

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

provider = TracerProvider()
provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(os.environ["COLLECTOR"] + "/v1/traces")))
trace.set_tracer_provider(provider)


def app(environ, start_response):
    """One span a request, sent before the answer."""
    with trace.get_tracer(__name__).start_as_current_span("request"):
        start_response("200 OK", [("Content-Type", "text/plain")])
    provider.force_flush()
    return [b"worker %d\n" % os.getpid()]
