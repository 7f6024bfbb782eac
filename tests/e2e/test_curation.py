"""What the owner of a memory does to it reaches the conversations that are running."""

from __future__ import annotations

import httpx
import openai

from memproxy.testing.scripts import answer
from memproxy.testing.upstream import ScriptedUpstream

FIRST = {"role": "user", "content": "In which city do I live?"}
SECOND = {"role": "user", "content": "And in which city do I live, once more?"}
SAID = {"role": "assistant", "content": "Let me see."}


async def test_a_running_conversation_is_given_the_right_words_in_place_of_the_wrong_ones(
    http: httpx.AsyncClient, up: ScriptedUpstream, ai: openai.AsyncOpenAI, person: str
):
    up.script = answer(SAID["content"])
    facts = f"/memory/v1/entities/{person}/facts"
    wrong = (await http.post(facts, json={"text": "Lives in Qarbenheim", "pinned": True})).raise_for_status().json()
    await ai.chat.completions.create(model="m", messages=[FIRST])
    assert "Lives in Qarbenheim" in up.last.prompt
    (await http.patch(f"{facts}/{wrong['id']}", json={"text": "Lives in Wolbrunn"})).raise_for_status()
    await ai.chat.completions.create(model="m", messages=[FIRST, SAID, SECOND])
    assert "Qarbenheim" not in up.last.body.decode()
    assert "Lives in Wolbrunn" in up.last.prompt
    assert "<memory>" not in up.last.json["messages"][0]["content"]
    (await http.delete(f"{facts}/{wrong['id']}")).raise_for_status()
    await ai.chat.completions.create(model="m", messages=[FIRST, SAID, SECOND, SAID, FIRST])
    assert "Wolbrunn" not in up.last.body.decode()
