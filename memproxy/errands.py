"""Requests that a chat front end makes for itself: a title, tags, follow-up questions, a summary of the chat so far.

The person did not say them, so they get no memory and leave none. Each is known by how its instructions begin; a person
who quotes one in the middle of a message is still a person.
"""

from __future__ import annotations

from collections.abc import Sequence

from memproxy.dialects.dialect import Said

BEGINNINGS = (
    # Open WebUI
    "### task:\ngenerate a concise, 3-5 word title",
    "### task:\ngenerate 1-3 broad tags",
    "### task:\nsuggest 3-5 relevant follow-up",
    "### task:\nanalyze the chat history to determine the necessity of generating search queries",
    "### task:\nyou are an autocompletion system",
    "### task:\ngenerate a detailed prompt for am image generation task",
    # LibreChat
    "provide a concise, 5-word-or-less title for the conversation",
    "please generate a concise, 5-word-or-less title for the conversation",
    # LobeChat
    "you are a professional conversation summarizer. generate a concise title",
    "你是一名擅长会话的助理，你需要将用户的会话总结为",
    # LangChain
    "progressively summarize the lines of conversation provided",
    "<role>\ncontext extraction assistant\n</role>",
)


def is_errand(messages: Sequence[Said]) -> bool:
    """Whether the request is a front end's own: its system message or its last one begins so."""
    heads = [said for said in messages[:1] if said.role in ("system", "developer")]
    return any(said.text.lstrip()[:200].casefold().startswith(BEGINNINGS) for said in (*heads, *messages[-1:]))
