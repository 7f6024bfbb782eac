"""`python -m memproxy` is the command `memproxy`."""

from memproxy.cli import main

main()
