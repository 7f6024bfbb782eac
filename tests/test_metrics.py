"""The metrics of several workers are one text, as Prometheus wants it."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from memproxy.metrics import Metrics, merged


def counted(text: bytes) -> dict[str | None, float]:
    """Requests that went well, by worker."""
    families = list(text_string_to_metric_families(text.decode()))
    assert len({family.name for family in families}) == len(families), "each metric once, with all its samples"
    return {
        sample.labels.get("worker"): sample.value
        for family in families
        for sample in family.samples
        if sample.name == "memproxy_requests_total" and sample.labels["status"] == "2xx"
    }


def metrics(requests: int) -> Metrics:
    made = Metrics()
    for _ in range(requests):
        made.answered(200, 0.1)
    return made


def test_one_process_has_no_label_more():
    assert counted(metrics(3).render(worker=None)) == {None: 3}


def test_several_keep_their_counts_apart():
    text = merged([metrics(3).render(worker=0), metrics(4).render(worker=1)])
    assert counted(text) == {"0": 3, "1": 4}


def test_histograms_stay_whole():
    text = merged([metrics(3).render(worker=0), metrics(4).render(worker=1)]).decode()
    (family,) = [one for one in text_string_to_metric_families(text) if one.name == "memproxy_request_seconds"]
    counts = [sample.value for sample in family.samples if sample.name.endswith("_count")]
    assert (family.type, counts) == ("histogram", [3, 4])
