"""What memproxy counts, for Prometheus. Labels take a handful of values each: never an id, a path or a model name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, generate_latest
from prometheus_client.registry import Collector

from memproxy.domain import QueueDepth

FAST = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.3, 1, 3)
SLOW = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)


class Metrics:
    """One registry per service, so that several run in one process without meeting."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.whole = CollectorRegistry()
        """Of the service as a whole, whichever of its workers is asked."""
        made: dict[str, Any] = {"registry": self.registry}
        self.requests = Counter("memproxy_requests", "Requests answered, by status class", ["status"], **made)
        self.memory = Counter(
            "memproxy_memory_outcomes", "What memory did for a request: hit, none, off, degraded", ["outcome"], **made
        )
        self.degraded = Counter("memproxy_degraded", "Memory failures that the chat survived", ["reason"], **made)
        self.recall = Histogram("memproxy_recall_seconds", "Time of recall by step", ["step"], buckets=FAST, **made)
        self.facts = Counter("memproxy_injected_facts", "Facts given in blocks", **made)
        self.tokens = Counter("memproxy_injected_tokens", "Tokens given in blocks", **made)
        self.commit_size = Histogram(
            "memproxy_commit_turns", "Turns in one group commit", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256), **made
        )
        self.commit_time = Histogram("memproxy_commit_seconds", "Time of one group commit", buckets=FAST, **made)
        self.embed_time = Histogram(
            "memproxy_embed_seconds", "Time of one embedding call", ["purpose"], buckets=FAST, **made
        )
        self.jobs = Counter("memproxy_jobs", "Background jobs ended", ["kind", "outcome"], **made)
        self.job_time = Histogram("memproxy_job_seconds", "Time of one job", ["kind"], buckets=SLOW, **made)
        self.written = Counter("memproxy_facts_written", "Facts that background work has written", **made)
        self.journal = Gauge("memproxy_journal_bytes", "Turns that wait on the disk for the store, in bytes", **made)
        self.journal_limit = Gauge("memproxy_journal_limit_bytes", "Bytes of turns that may wait", **made)
        self.waiting = Gauge("memproxy_journal_waiting_turns", "Turns that wait on the disk for the store", **made)
        self.aside = Gauge("memproxy_journal_aside_bytes", "What the store refused, or the disk damaged", **made)
        self.journal_turns = Counter(
            "memproxy_journal_turns",
            "Turns of the journal: kept, replayed, refused by the store, damaged on the disk, lost",
            ["outcome"],
            **made,
        )
        self.store_up = Gauge("memproxy_store_up", "Whether the store answers", **made)
        self.store_silence = Gauge("memproxy_store_silence_seconds", "Time since the store last answered", **made)
        self.in_flight = Gauge("memproxy_requests_in_flight", "Requests being served; read when asked for", **made)
        self.duration = Histogram(
            "memproxy_request_seconds", "Time from a request to the end of its reply", buckets=SLOW, **made
        )

        made = {"registry": self.whole}
        self.queue = Gauge("memproxy_job_queue_depth", "Jobs in the queue", ["state"], **made)
        self.queue_age = Gauge("memproxy_job_queue_age_seconds", "Age of the oldest waiting job", **made)
        self.workers = Gauge("memproxy_workers", "Processes that serve, as set and as found", ["state"], **made)

        # Looking a label up costs as much as counting, and these are counted with each request.
        self._outcomes = {name: self.memory.labels(name) for name in ("hit", "none", "off", "degraded")}
        self._steps: dict[str, Histogram] = {}
        self._kept = {
            outcome: self.journal_turns.labels(outcome)
            for outcome in ("kept", "replayed", "refused", "damaged", "lost")
        }
        self._answered = {status: self.requests.labels(f"{status}xx") for status in range(1, 6)}

    def entered(self, outcome: str, facts: int, tokens: int) -> None:
        self._outcomes[outcome].inc()
        if facts:
            self.facts.inc(facts)
            self.tokens.inc(tokens)

    def answered(self, status: int, seconds: float) -> None:
        self._answered[min(status // 100, 5)].inc()  # upstreams may invent statuses up to 999
        self.duration.observe(seconds)

    def recalled(self, steps: Mapping[str, float]) -> None:
        for step, seconds in steps.items():
            if (histogram := self._steps.get(step)) is None:
                histogram = self._steps[step] = self.recall.labels(step)
            histogram.observe(seconds)

    def committed(self, turns: int, seconds: float) -> None:
        self.commit_size.observe(turns)
        self.commit_time.observe(seconds)

    def journalled(self, outcome: str, turns: int) -> None:
        self._kept[outcome].inc(turns)

    def job_done(self, kind: str, outcome: str, seconds: float) -> None:
        self.jobs.labels(kind, outcome).inc()
        self.job_time.labels(kind).observe(seconds)

    def facts_written(self, count: int) -> None:
        self.written.inc(count)

    def queue_depth(self, depth: QueueDepth, now: float) -> None:
        for state in ("pending", "running", "dead"):
            self.queue.labels(state).set(getattr(depth, state))
        self.queue_age.set(max(0.0, now - depth.oldest.timestamp()) if depth.oldest else 0)

    def found(self, workers: int, *, of: int) -> None:
        self.workers.labels("configured").set(of)
        self.workers.labels("answering").set(workers)

    def render(self, *, worker: int | None) -> bytes:
        """What this process counts; with its number as a label where there are several."""
        if worker is None:
            return generate_latest(self.registry)
        labelled = CollectorRegistry()
        labelled.register(_Labelled(self.registry, str(worker)))
        return generate_latest(labelled)


class _Labelled(Collector):
    def __init__(self, registry: CollectorRegistry, worker: str) -> None:
        self._registry = registry
        self._worker = worker

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        for family in self._registry.collect():
            labelled = Metric(family.name, family.documentation, family.type, family.unit)
            labelled.samples = [
                sample._replace(labels={**sample.labels, "worker": self._worker}) for sample in family.samples
            ]
            yield labelled


def merged(texts: Iterable[bytes]) -> bytes:
    """One text from several: Prometheus wants all samples of a metric together."""
    families: dict[bytes, bytes] = {}
    for text in texts:
        for family in text.split(b"# HELP ")[1:]:
            told, kind, samples = family.split(b"\n", 2)
            head = b"# HELP " + told + b"\n" + kind + b"\n"
            families[head] = families.get(head, b"") + samples
    return b"".join(head + samples for head, samples in families.items())
