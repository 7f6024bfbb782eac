"""Reproducible measurements of memproxy, each against references run beside it on the same machine."""
