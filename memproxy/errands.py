"""Requests that a program makes for itself: a title, tags, follow-up questions, a summary of the chat so far.

The person did not say them, so they get no memory of their own and leave none. Each is known by how its instructions
begin, in the newest message or in the system text; a person who quotes one inside a message is still a person. The
beginnings are in lower case, and stand in the source of the program whose name is above them.
"""

from __future__ import annotations

from collections.abc import Sequence

from memproxy.dialects.dialect import Said

BEGINNINGS = (
    # Open WebUI. Not "### task:\nrespond to the user query": that is the person's question, with documents.
    "### task:\ngenerate a concise title summarizing the chat history",
    "### task:\ngenerate a concise, 3-5 word title",
    "create a concise, 3-5 word title with an emoji",
    "### task:\ngenerate 1-3 broad tags",
    "### task:\nsuggest 3-5 relevant follow-up",
    "### task:\nanalyze the chat history to determine the necessity of generating search",
    "### task:\nyou are an autocompletion system",
    "### task:\ngenerate a detailed prompt for am image generation task",
    "### task:\nsummarize the conversation history that will be compacted",
    "your task is to reflect the speaker's likely facial expression through a fitting emoji",
    "you have been provided with a set of responses from various models to the latest",
    # LibreChat
    "provide a concise, 5-word-or-less title for the conversation",
    "please generate a concise, 5-word-or-less title for the conversation",
    "please generate a concise title (max 40 characters) for a conversation that",
    "write a concise title for this conversation in the given language",
    "analyze this conversation and provide:\n1. the detected language of the",
    "summarize the conversation by integrating new lines into the current summary",
    "the following text is cut-off:\n",
    # LobeChat
    "you are a professional conversation summarizer. generate a concise title",
    "你是一名擅长会话的助理，你需要将用户的会话总结为",
    "you're an assistant who's good at extracting key takeaways from conversations and",
    "you are a conversation context compressor",
    "you are a sidecar that extracts 0-4 quick-reply suggestions",
    "given the following conversation and a follow-up question, rephrase the follow up question",
    # LangChain
    "given the following conversation and a follow up question, rephrase the follow up",
    "progressively summarize the lines of conversation provided",
    "distill the above chat messages into a single summary message",
    "<role>\ncontext extraction assistant\n</role>",
    # Claude Code
    "analyze if this message indicates a new conversation topic",
    "generate a concise, sentence-case title (3-7 words)",
    "please write a 5-10 word title for the following conversation",
    "summarize this coding conversation in under 50 characters",
    "your task is to create a detailed summary of the conversation so far",
    "critical: respond with text only. do not call any tools",
    "you are a helpful ai assistant tasked with summarizing conversations",
    "[suggestion mode: suggest what the user might naturally type next",
    "the user stepped away and is coming back. ",
    "your task is to process bash commands that an ai coding agent wants to run",
    "<policy_spec>\n# claude code",
    "web page content:\n---\n",
    # Codex, OpenCode
    "you are performing a context checkpoint compaction",
    "you are a title generator. you output only a thread title",
)
# A person may well begin so; a system text that does makes the model a clerk.
OF_A_SYSTEM = (
    "detect the language used in the following text",
    "summarize the conversation for future reference",
)
_SYSTEM = (*BEGINNINGS, *OF_A_SYSTEM)
WHOLE = frozenset(("warmup", "quota"))
"""Messages by which Claude Code tries its connection; they say nothing else."""

_LONGEST = 120
# Lines that agents put before it in a system text, empty ones among them.
_PREAMBLE = 6


def is_errand(messages: Sequence[Said]) -> bool:
    """Whether the request is a program's own, by its system message or its last one."""
    if not messages:
        return False
    first, last = messages[0], messages[-1]
    if first.role in ("system", "developer") and _clerk(first.text):
        return True
    said = last.text.lstrip()[:_LONGEST].casefold()
    return said.startswith(BEGINNINGS) or said.strip() in WHOLE


def _clerk(text: str) -> bool:
    """Whether one of the first lines begins so."""
    head, at = text.lstrip()[: 4 * _LONGEST].casefold(), 0
    for _ in range(_PREAMBLE):
        if head.startswith(_SYSTEM, at):
            return True
        at = head.find("\n", at) + 1
        if not at:
            break
    return False
