"""What is counted, for Prometheus. Labels are routes, statuses and languages: never keys or addresses."""

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.process_collector import ProcessCollector

if TYPE_CHECKING:
    from latimer.serve.service import Service


class Metrics:
    """The numbers of one server."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.requests = Counter(
            "latimer_requests", "Requests answered", ["route", "status"], registry=self.registry
        )
        self.seconds = Histogram(
            "latimer_request_seconds", "Until the answer was given", ["route"], registry=self.registry
        )
        self.characters = Counter(
            "latimer_characters", "Characters translated", ["source", "target"], registry=self.registry
        )
        self.batch = Histogram(
            "latimer_batch_texts",
            "Segments translated together",
            buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256),
            registry=self.registry,
        )
        self.reloads = Counter(
            "latimer_reloads", "Times the models were loaded anew", ["result"], registry=self.registry
        )

    def watch(self, service: "Service") -> None:
        """Show how much waits, at the time of asking."""
        waiting = Gauge("latimer_queue_characters", "Characters that wait", registry=self.registry)
        waiting.set_function(lambda: sum(one.waiting for one in service.batchers.values()))
        opened = Gauge("latimer_open_requests", "Requests not answered yet", registry=self.registry)
        opened.set_function(lambda: service.open)

    def text(self) -> bytes:
        """In Prometheus' format."""
        return generate_latest(self.registry)
