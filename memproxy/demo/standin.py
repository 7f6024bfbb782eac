"""What the stand-in for a model says: it repeats what memory put into its prompt, and pretends no intelligence."""

from __future__ import annotations

from memproxy.testing.exchange import Request, text_of

NOTHING = "(stand-in) Nothing in my prompt says anything about you."
NOTED = "(stand-in) Noted, thank you for telling me."


def recite(request: Request) -> str:
    """The facts of the newest memory block in the prompt; a fixed sentence where there is none, or nothing is asked."""
    said = [text_of(message.get("content")) for message in request.messages if message.get("role") == "user"]
    if not said or not said[-1].rstrip().endswith("?"):
        return NOTED
    facts = next((lines for text in reversed(said) if (lines := remembered(text))), [])
    return f"(stand-in) In my prompt I find: {'; '.join(line[2:] for line in facts)}" if facts else NOTHING


def remembered(text: str) -> list[str]:
    """The lines of facts in the memory blocks of a prompt."""
    lines, inside = [], False
    for line in text.splitlines():
        inside = (inside or line == "<memory>") and line != "</memory>"
        if inside and line.startswith("- "):
            lines.append(line)
    return lines
