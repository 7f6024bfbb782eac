"""Other people's conversation exports, read as conversations: one file per format, pure functions over bytes.

    file ──sources──► bytes ──records──► JSON values ──one format──► Conversation | Broken

What is kept is what a person and an assistant said to each other, each message with its own time and a stable id, so
that importing twice stores nothing twice. What is left out is counted under one of `REASONS`. A conversation that
cannot be understood becomes a `Broken` and the rest goes on.
"""
