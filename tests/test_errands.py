"""What a program asks for itself is told from what a person says, however alike they look."""

from __future__ import annotations

import pytest

from memproxy.dialects.dialect import Said
from memproxy.errands import is_errand

USER = {
    "Open WebUI, title": "### Task:\nGenerate a concise title summarizing the chat history.\n### Guidelines:\n- …",
    "Open WebUI, older title": "### Task:\nGenerate a concise, 3-5 word title with an emoji summarizing the chat",
    "Open WebUI, oldest title": "Create a concise, 3-5 word title with an emoji as a title for the prompt in the",
    "Open WebUI, tags": "### Task:\nGenerate 1-3 broad tags categorizing the main themes of the chat history, along",
    "Open WebUI, follow-ups": "### Task:\nSuggest 3-5 relevant follow-up questions or prompts that the user might",
    "Open WebUI, search": "### Task:\nAnalyze the chat history to determine the necessity of generating search",
    "Open WebUI, autocompletion": "### Task:\nYou are an autocompletion system. Continue the text in `<text>` based",
    "Open WebUI, image": "### Task:\nGenerate a detailed prompt for am image generation task based on the given",
    "Open WebUI, compaction": "### Task:\nSummarize the conversation history that will be compacted out of the",
    "Open WebUI, emoji": "Your task is to reflect the speaker's likely facial expression through a fitting emoji.",
    "Open WebUI, several models": "You have been provided with a set of responses from various models to the latest",
    "LibreChat, title": "Provide a concise, 5-word-or-less title for the conversation, using title case conventions.",
    "LibreChat, title with its language": "Analyze this conversation and provide:\n1. The detected language of the",
    "LibreChat, title of an assistant": "Please generate a concise title (max 40 characters) for a conversation that",
    "LibreChat, summary": "Summarize the conversation by integrating new lines into the current summary.\n\nEXAMPLE:",
    "LibreChat, cut text": "The following text is cut-off:\nHuman: hi",
    "LangChain, summary": "Progressively summarize the lines of conversation provided, adding onto the previous",
    "LangChain, summary of messages": "Distill the above chat messages into a single summary message. Include as",
    "LangChain, question": "Given the following conversation and a follow up question, rephrase the follow up",
    "LangChain, middleware": "<role>\nContext Extraction Assistant\n</role>\n\n<primary_objective>",
    "Claude Code, title": "Please write a 5-10 word title for the following conversation:\n\nUser: hi",
    "Claude Code, suggestion": "[SUGGESTION MODE: Suggest what the user might naturally type next into Claude",
    "Claude Code, recap": "The user stepped away and is coming back. Recap in under 40 words, 1-2 plain sentences",
    "Claude Code, compaction": "Your task is to create a detailed summary of the conversation so far, paying close",
    "Claude Code, newer compaction": "CRITICAL: Respond with TEXT ONLY. Do NOT call any tools.\n\n- Do NOT use Read",
    "Claude Code, a page": "\nWeb page content:\n---\n# Herons\n---\n\nWhat do they eat?",
    "Claude Code, a command": "<policy_spec>\n# Claude Code Code Bash command prefix detection\n",
    "Claude Code, warmup": "Warmup",
    "Claude Code, quota": "quota",
    "Codex, compaction": "You are performing a CONTEXT CHECKPOINT COMPACTION. Create a handoff summary for another LLM",
}
SYSTEM = {
    "LibreChat, language": "Detect the language used in the following text.",
    "LibreChat, old title": "Write a concise title for this conversation in the given language. Title in 5 Words or",
    "LobeChat, title": "You are a professional conversation summarizer. Generate a concise title that captures the",
    "LobeChat, older title": "你是一名擅长会话的助理，你需要将用户的会话总结为 10 个字以内的标题",
    "LobeChat, history": "You're an assistant who's good at extracting key takeaways from conversations and",
    "LobeChat, compression": "You are a conversation context compressor. Your task is to create a structured summary",
    "LobeChat, topic": "Summarize the conversation for future reference.\n\nRequirements:",
    "LobeChat, follow-ups": "You are a sidecar that extracts 0-4 quick-reply suggestions from the last assistant",
    "LobeChat, query": "Given the following conversation and a follow-up question, rephrase the follow up question",
    "Claude Code, topic": "You are Claude Code, Anthropic's official CLI.\nAnalyze if this message indicates a new "
    "conversation topic. If it does, extract a 2-3 word title that captures the new topic.",
    "Claude Code, title": "x-anthropic-billing-header: cc_version=2.1.126;\n\nYou are a "
    "Claude agent, built on Anthropic's Claude Agent SDK.\n\nGenerate a concise, sentence-case title (3-7 words) that",
    "Claude Code, summary": "Summarize this coding conversation in under 50 characters.\nCapture the main task,",
    "Claude Code, compaction": "You are a helpful AI assistant tasked with summarizing conversations.",
    "Claude Code, command": "Your task is to process Bash commands that an AI coding agent wants to run.\n\nThis",
    "OpenCode, title": "You are a title generator. You output ONLY a thread title. Nothing else.",
}


@pytest.mark.parametrize("text", USER.values(), ids=USER)
def test_a_message_that_a_program_wrote_is_an_errand(text: str):
    assert is_errand([Said("user", text)])
    assert is_errand([Said("system", "be kind"), Said("user", "hi"), Said("assistant", "hello"), Said("user", text)])


@pytest.mark.parametrize("text", SYSTEM.values(), ids=SYSTEM)
def test_a_system_text_that_makes_the_model_a_clerk_is_an_errand(text: str):
    assert is_errand([Said("system", text), Said("user", "Fix the login page.")])


@pytest.mark.parametrize("text", [*USER.values(), *SYSTEM.values()], ids=[*USER, *(f"{name} ." for name in SYSTEM)])
def test_a_person_who_quotes_one_is_a_person(text: str):
    quoted = f"What does this prompt do? {text}\n\nI found it in my log:\n{text}"
    assert not is_errand([Said("system", "be kind"), Said("user", quoted)])
    assert not is_errand([Said("user", text), Said("assistant", "A title."), Said("user", "Thank you!")])


@pytest.mark.parametrize(
    "text",
    [
        "### Task:\nRespond to the user query using the provided context, incorporating inline citations in the format",
        "### Task:\nGenerate a plan for my week",
        "Summarize the conversation",
        "quota exceeded, what now?",
        "Warmup exercises for runners?",
        "",
    ],
)
def test_what_only_looks_like_an_errand_is_the_person_s(text: str):
    assert not is_errand([Said("user", text)])


def test_the_instructions_of_an_agent_that_mention_one_are_no_errand():
    agent = "You are Claude Code, Anthropic's official CLI for Claude.\n" + "Be brief.\n" * 100
    assert not is_errand([Said("system", agent + USER["Claude Code, compaction"]), Said("user", "hi")])
    assert not is_errand([])
