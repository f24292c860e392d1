"""Requests that are ambiguous, broken, too much or merely odd: tables of what to put into one, by name."""

from tests.support.rawhttp import CHAT, chat_body

BODY = chat_body()
TARGET = CHAT.encode()
CL = b"Content-Length: %d" % len(BODY)
TE = b"Transfer-Encoding: chunked"
JSON = b"Content-Type: application/json"


def chunked(body=BODY, *, size=None, last=b"0\r\n\r\n"):
    return (size or b"%x" % len(body)) + b"\r\n" + body + b"\r\n" + last


def crafter(key):
    """Makes chat requests of any shape: request line, the usual head, further lines, body."""

    def make(*lines, target=TARGET, version=b"HTTP/1.1", method=b"POST", body=BODY, usual=True):
        head = [method + b" " + target + b" " + version]
        if usual:
            head += [b"Host: gateway.test", b"Authorization: Bearer " + key.encode(), JSON]
        return b"\r\n".join([*head, *lines]) + b"\r\n\r\n" + body

    return make


def armed(data, key):
    """A published request with a host, a key and a route that is served, so that only framing is left to refuse."""
    usual = b"Host: gateway.test\r\nAuthorization: Bearer " + key.encode() + b"\r\n" + JSON + b"\r\n"
    line, mark, rest = data.lstrip(b"\r\n").partition(b"\r\n")
    parts = line.split(b" ")
    if not mark or len(parts) != 3:
        return data
    lines = [one for one in rest.split(b"\r\n") if not one.lower().startswith((b"host:", b"authorization:"))]
    return b" ".join([b"POST", CHAT.encode(), parts[2]]) + b"\r\n" + usual + b"\r\n".join(lines)


AMBIGUOUS_FRAMING = {
    "CL.TE": ((CL, TE), chunked()),
    "TE.CL": ((TE, CL), chunked()),
    "CL.TE, body by length": ((CL, TE), BODY),
    "TE twice": ((TE, TE), chunked()),
    "TE chunked, chunked": ((b"Transfer-Encoding: chunked, chunked",), chunked()),
    "TE identity": ((b"Transfer-Encoding: identity",), BODY),
    "TE identity and CL": ((CL, b"Transfer-Encoding: identity"), BODY),
    "TE gzip, chunked": ((b"Transfer-Encoding: gzip, chunked",), chunked()),
    "TE chunked, gzip": ((b"Transfer-Encoding: chunked, gzip",), chunked()),
    "TE xchunked": ((b"Transfer-Encoding: xchunked",), chunked()),
    "TE chunkedx": ((b"Transfer-Encoding: chunkedx",), chunked()),
    "TE capital": ((b"Transfer-Encoding: Chunked",), chunked()),
    "TE trailing comma": ((b"Transfer-Encoding: chunked,",), chunked()),
    "TE leading comma": ((b"Transfer-Encoding: ,chunked",), chunked()),
    "TE parameter": ((b"Transfer-Encoding: chunked;q=1",), chunked()),
    "TE quoted": ((b'Transfer-Encoding: "chunked"',), chunked()),
    "TE empty": ((b"Transfer-Encoding:",), chunked()),
    "TE vertical tab": ((b"Transfer-Encoding: \x0bchunked",), chunked()),
    "TE nul": ((b"Transfer-Encoding: chunked\0",), chunked()),
    "TE space before colon": ((b"Transfer-Encoding : chunked",), chunked()),
    "TE folded": ((b"Transfer-Encoding:\r\n chunked",), chunked()),
    "TE folded second": ((b"Transfer-Encoding: chunked\r\n , identity",), chunked()),
    "TE space first": ((b" Transfer-Encoding: chunked",), chunked()),
    "CL twice, equal": ((CL, CL), BODY),
    "CL twice, different": ((CL, b"Content-Length: 3"), BODY),
    "CL list": ((CL + CL.replace(b"Content-Length:", b","),), BODY),
    "CL plus": ((CL.replace(b": ", b": +"),), BODY),
    "CL minus": ((b"Content-Length: -1",), BODY),
    "CL hex": ((b"Content-Length: 0x1f",), BODY),
    "CL letters": ((b"Content-Length: 5f",), BODY),
    "CL underscore": ((b"Content-Length: 1_0",), BODY),
    "CL float": ((b"Content-Length: 5.0",), BODY),
    "CL exponent": ((b"Content-Length: 1e1",), BODY),
    "CL empty": ((b"Content-Length:",), BODY),
    "CL inner space": ((b"Content-Length: 1 0",), BODY),
    "CL Arabic digits": (("Content-Length: \u0661\u0662".encode(),), BODY),
    "CL full-width digits": (("Content-Length: \uff11\uff12".encode(),), BODY),
    "CL superscript": (("Content-Length: \u00b2".encode(),), BODY),
    "CL 2^64": ((b"Content-Length: 18446744073709551616",), BODY),
    "CL 2^64+1": ((b"Content-Length: 18446744073709551617",), BODY),
    "CL 10^30": ((b"Content-Length: 1" + b"0" * 30,), BODY),
    "CL space before colon": ((CL.replace(b":", b" :"),), BODY),
    "CL folded": ((b"Content-Length:\r\n %d" % len(BODY),), BODY),
    "chunk size word": ((TE,), chunked(size=b"zz")),
    "chunk size empty": ((TE,), b"\r\n" + BODY + b"\r\n0\r\n\r\n"),
    "chunk size minus": ((TE,), chunked(size=b"-5")),
    "chunk size plus": ((TE,), chunked(size=b"+%x" % len(BODY))),
    "chunk size 0x": ((TE,), chunked(size=b"0x%x" % len(BODY))),
    "chunk size overflow": ((TE,), chunked(size=b"1%016x" % len(BODY))),
    "chunk size spaces": ((TE,), chunked(size=b"%x " % len(BODY))),
    "chunk size too small": ((TE,), chunked(size=b"%x" % (len(BODY) - 2))),
    "chunk size too large": ((TE,), chunked(size=b"%x" % (len(BODY) + 2))),
    "chunk bare LF": ((TE,), chunked().replace(b"\r\n", b"\n")),
    "chunk bare CR": ((TE,), chunked().replace(b"\r\n", b"\r")),
    "chunk extension LF": ((TE,), chunked(size=b"%x;a\n" % len(BODY))),
    "chunk extension open quote": ((TE,), chunked(size=b'%x;a="' % len(BODY))),
    "chunk without its end": ((TE,), b"%x\r\n" % len(BODY) + BODY + b"0\r\n\r\n"),
    "trailer with a length": ((TE,), chunked(last=b"0\r\nContent-Length: 5\r\n\r\n")),
    "trailer with a coding": ((TE,), chunked(last=b"0\r\nTransfer-Encoding: chunked\r\n\r\n")),
    "trailer without a colon": ((TE,), chunked(last=b"0\r\nGET / HTTP/1.1\r\n\r\n")),
}

HARMLESS_FRAMING = {
    "chunked": ((TE,), chunked()),
    "TE after a tab": ((b"Transfer-Encoding:\tchunked",), chunked()),
    "TE name in capitals": ((b"TRANSFER-ENCODING: chunked",), chunked()),
    "chunk size in capitals": ((TE,), chunked(size=b"%X" % len(BODY))),
    "chunk size with zeros": ((TE,), chunked(size=b"000%x" % len(BODY))),
    "chunk extension": ((TE,), chunked(size=b"%x;name=value" % len(BODY))),
    "one byte chunks": ((TE,), b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n"),
    "trailers": ((TE,), chunked(last=b"0\r\nAuthorization: Bearer x\r\nX-Org-Id: boss\r\n\r\n")),
    "CL with zeros": ((CL.replace(b": ", b": 000"),), BODY),
    "CL between spaces": ((CL.replace(b": ", b":  ") + b" \t",), BODY),
    "an alias of CL": ((CL, b"Content_Length: 3"), BODY),
}

BROKEN_HEADS = {
    "bare LF": lambda post: post(CL).replace(b"\r\n", b"\n"),
    "bare LF after one line": lambda post: post(b"X-A: b\nX-C: d", CL),
    "bare CR": lambda post: post(b"X-A: b\rX-C: d", CL),
    "folded": lambda post: post(b"X-A: b\r\n c", CL),
    "nul in a value": lambda post: post(b"X-A: b\0c", CL),
    "nul in a name": lambda post: post(b"X\0A: b", CL),
    "control character": lambda post: post(b"X-A: b\x01c", CL),
    "space in a name": lambda post: post(b"X A: b", CL),
    "space before colon": lambda post: post(b"X-A : b", CL),
    "no name": lambda post: post(b": b", CL),
    "no colon": lambda post: post(b"X-A", CL),
    "space before the first header": lambda post: post(CL).replace(b"\r\nHost", b"\r\n Host"),
    "tabs in the request line": lambda post: post(CL, version=b"HTTP/1.1").replace(b" HTTP", b"\tHTTP"),
    "nul in the target": lambda post: post(CL, target=b"/v1/chat/completions\0"),
    "space in the target": lambda post: post(CL, target=b"/v1/chat /completions"),
    "high byte in the target": lambda post: post(CL, target=b"/v1/chat/\xc0\xafcompletions"),
    "no version": lambda post: post(CL).replace(b" HTTP/1.1", b"", 1),
    "lower-case version": lambda post: post(CL, version=b"http/1.1"),
    "HTTP/0.9": lambda post: post(CL, version=b"HTTP/0.9"),
    "HTTP/0.9, one line": lambda _: b"GET /v1/models\r\n\r\n",
    "HTTP/1.2": lambda post: post(CL, version=b"HTTP/1.2"),
    "HTTP/1.10": lambda post: post(CL, version=b"HTTP/1.10"),
    "HTTP/2.0": lambda post: post(CL, version=b"HTTP/2.0"),
    "HTTP/11": lambda post: post(CL, version=b"HTTP/11"),
    "another protocol": lambda post: post(CL, version=b"HTCPCP/1.1"),
    "HTTP/2 preface": lambda _: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000"),
    "TLS hello": lambda _: bytes.fromhex("16030100f1010000ed0303") + bytes(range(1, 233)),
    "SSH": lambda _: b"SSH-2.0-OpenSSH_9.2\r\n",
    "random bytes": lambda _: bytes(range(256)) * 4,
    "lower-case method": lambda post: post(CL, method=b"post"),
    "mixed-case method": lambda post: post(CL, method=b"Post"),
    "unknown method": lambda post: post(CL, method=b"FETCH"),
    "no method": lambda post: post(CL, method=b""),
    "absolute form": lambda post: post(CL, target=b"http://evil.test/v1/chat/completions"),
    "absolute form of ours": lambda post: post(CL, target=b"http://gateway.test/v1/chat/completions"),
    "absolute form, credentials": lambda post: post(CL, target=b"http://a:b@evil.test/v1/chat/completions"),
    "authority form": lambda post: post(CL, target=b"evil.test:443"),
    "asterisk form": lambda post: post(CL, target=b"*", method=b"OPTIONS"),
    "CONNECT": lambda post: post(CL, target=b"evil.test:443", method=b"CONNECT"),
    "no host": lambda post: post(CL).replace(b"Host: gateway.test\r\n", b""),
    "two hosts": lambda post: post(CL, b"Host: evil.test"),
    "two equal hosts": lambda post: post(CL, b"Host: gateway.test"),
    "host list": lambda post: post(CL).replace(b"gateway.test", b"gateway.test, evil.test"),
    "host with a user": lambda post: post(CL).replace(b"gateway.test", b"gateway.test@evil.test"),
    "host with a path": lambda post: post(CL).replace(b"gateway.test", b"gateway.test/evil"),
    "two authorizations": lambda post: post(CL, b"Authorization: Bearer sk-other"),
    "two x-api-keys": lambda post: post(CL, b"x-api-key: a", b"x-api-key: b"),
    "two content types": lambda post: post(CL, b"Content-Type: text/plain"),
    "two content encodings": lambda post: post(CL, b"Content-Encoding: identity", b"Content-Encoding: gzip"),
    "connection names authorization": lambda post: post(CL, b"Connection: keep-alive, Authorization"),
    "connection names x-forwarded-for": lambda post: post(CL, b"Connection: close, X-Forwarded-For"),
    "connection names content-length": lambda post: post(CL, b"Connection: content-length"),
    "old websocket": lambda post: post(CL, b"Sec-WebSocket-Key1: x"),
    "expectation": lambda post: post(CL, b"Expect: 200-ok"),
    "two expectations": lambda post: post(CL, b"Expect: 100-continue, 200-ok"),
}

TOO_MUCH = {
    "101 headers": lambda post: post(CL, *[b"X-%d: 1" % n for n in range(101)]),
    "10,000 headers": lambda post: post(CL, *[b"X-%d: 1" % n for n in range(10_000)]),
    "1 MB header": lambda post: post(b"X-A: " + b"a" * (1 << 20), CL),
    "100 kB name": lambda post: post(b"X" * 100_000 + b": 1", CL),
    "100 kB target": lambda post: post(CL, target=b"/v1/" + b"a" * 100_000),
    "100 kB query": lambda post: post(CL, target=CHAT.encode() + b"?" + b"a" * 100_000),
    "100 cookies": lambda post: post(CL, *[b"Cookie: a%d=%s" % (n, b"b" * 4000) for n in range(90)]),
}

IN_THE_LINE = ("Expected space after method", "Invalid char in url path")
"""What is wrong with these would be replaced by arming them."""

PATHS = [
    "/", "//", "//evil.test/v1/chat/completions", "/v1//chat/completions", "/v1/chat/completions/",
    "/V1/chat/completions", "/v1/chat/Completions",
    "/v1/./chat/completions", "/v1/x/../chat/completions", "/../v1/chat/completions",
    "/v1/chat%2fcompletions", "/v1/chat/%63ompletions", "/%76%31/chat/completions", "/v1/chat/completions%00",
    "/v1/chat/completions%20", "/v1/%2e%2e/v1/chat/completions", "/v1/chat/completions;x=y", "/v1/chat/completions.",
    "/v1/chat/completions#x", "/v1/chat/completions#?x", "/v1\\chat\\completions", "/v1/chat/completions:80",
    "/@evil.test/v1/chat/completions", "/v1/chat/completions%252f", "/v1/v1/chat/completions", "/v1/models/../usage",
    "/healthz", "/metrics", "/admin/v1/accounts", "/v1/files", "/v1/batches", "/v1/fine_tuning/jobs", "/v1/realtime",
]  # fmt: skip
