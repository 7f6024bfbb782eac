"""memproxy: long-term memory for any LLM application, by changing one URL."""

__version__ = "0.1.0"
