"""Public fakes and contract suites: what a test of memproxy, or of a plug-in for it, stands on."""
