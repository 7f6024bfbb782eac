"""The edges: the data plane, the memory API, and what operators ask."""
