"""What memproxy knows of each API, sans-I/O: bytes in, values out."""
