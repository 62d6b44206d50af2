"""An application with 60 MB of bytes, which preload shares: nothing writes to them."""
TABLE = [bytes(1 << 20) for _ in range(60)]
for piece in range(len(TABLE)):
    TABLE[piece] = bytes([piece + 1]) * (1 << 20)


def app(_environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"%d\n" % len(TABLE)]
