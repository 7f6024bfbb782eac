"""The endpoints of whoever runs the service, over HTTP against the real process."""

from __future__ import annotations

import re

import httpx

from memproxy.testing.service import ServiceProcess
from memproxy.testing.upstream import ScriptedUpstream

from .asking import said, tell


async def test_background_work_is_seen_paused_and_resumed(
    service: ServiceProcess, http: httpx.AsyncClient, person: str
):
    assert (await http.post("/admin/v1/jobs/pause")).json()["paused"] is True
    try:
        await tell(http, person, said("I fence."))
        waiting = (await http.get("/memory/v1/jobs", params={"entity": person, "state": "pending"})).json()
        assert waiting["total"] == 1
        assert (await http.get("/admin/v1/jobs")).json()["pending"] >= 1
    finally:
        assert (await http.post("/admin/v1/jobs/resume")).json()["paused"] is False
    await service.settled(entity=person)


async def test_metrics_tell_what_the_service_does(
    service: ServiceProcess, http: httpx.AsyncClient, up: ScriptedUpstream, person: str
):
    await http.post(f"/e/{person}/v1/chat/completions", json={"model": "m", "messages": [said("I sail.")]})
    await service.settled(entity=person)
    page = (await http.get("/metrics")).text
    for name in (
        "memproxy_requests_total",
        "memproxy_memory_outcomes_total",
        "memproxy_recall_seconds_count",
        "memproxy_commit_turns_count",
        "memproxy_commit_seconds_count",
        "memproxy_job_queue_depth",
        "memproxy_job_queue_age_seconds",
        "memproxy_jobs_total",
    ):
        assert re.search(rf"^{name}(?:{{[^}}]*}})? [0-9.e+-]+$", page, re.MULTILINE), name
    assert person not in page, "no ids in labels"


async def test_health_and_readiness(http: httpx.AsyncClient):
    assert (await http.get("/healthz")).json() == {"status": "ok"}
    ready = (await http.get("/readyz")).json()
    assert ready["parts"]["store"] == "ok"
