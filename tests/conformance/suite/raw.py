"""Signed requests of any bytes over one kept connection: what an SDK would not send."""

import datetime
import hashlib
import hmac
import json
import socket
import ssl
import time
from urllib.parse import urlsplit

from . import subject

# An answer that takes longer is a hang.
DEADLINE_SECONDS = 2.0
TARGET_PREFIX = "AmazonEC2ContainerServiceV20141113"
JSON_1_1 = "application/x-amz-json-1.1"


class Answer:
    """What came back."""

    def __init__(self, status, headers, body, seconds):
        self.status = status
        self.headers = headers
        self.body = body
        self.seconds = seconds

    def json(self):
        return json.loads(self.body)

    def code(self):
        """Name of the exception, as SDKs read it."""
        name = self.headers.get("x-amzn-errortype") or self.json().get("__type", "")
        return name.split("#")[-1].split(":")[0]

    def message(self):
        document = self.json()
        return document.get("message") or document.get("Message") or ""


class Connection:
    """One kept connection; opened again when it broke."""

    def __init__(self, deadline=DEADLINE_SECONDS):
        parts = urlsplit(subject.ENDPOINT)
        self.host = parts.netloc
        self.tls = ssl.create_default_context() if parts.scheme == "https" else None
        self.address = (parts.hostname, parts.port or (443 if self.tls else 80))
        self.deadline = deadline
        self.socket = None
        self.signing_keys = {}

    def call(self, operation, document):
        """An ECS operation in JSON 1.1."""
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        return self.send(f"{TARGET_PREFIX}.{operation}", JSON_1_1, body)

    def send(self, target, content_type, body, service="ecs", more=()):
        """Any body for any target, signed. `more` are headers beside, not signed."""
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        signed = {"host": self.host, "x-amz-date": now}
        if content_type is not None:
            signed["content-type"] = content_type
        if target is not None:
            signed["x-amz-target"] = target
        names = sorted(signed)
        canonical = "".join(f"{name}:{signed[name]}\n" for name in names)
        listed = ";".join(names)
        digest = hashlib.sha256(body).hexdigest()
        scope = f"{now[:8]}/{subject.REGION}/{service}/aws4_request"
        request = hashlib.sha256(f"POST\n/\n\n{canonical}\n{listed}\n{digest}".encode()).hexdigest()
        to_sign = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{request}"
        signature = hmac.new(self._key(now[:8], service), to_sign.encode(), hashlib.sha256).hexdigest()
        signed["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={subject.ACCESS_KEY_ID}/{scope}, "
            f"SignedHeaders={listed}, Signature={signature}"
        )
        headers = [*signed.items(), *more]
        return self.exchange("POST", headers, body)

    def exchange(self, method, headers, body):
        """Headers and body as they are."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        head = f"{method} / HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n".encode()
        started = time.monotonic()
        try:
            if self.socket is None:
                self.socket = self._connect()
                self.reader = self.socket.makefile("rb", 65536)
            self.socket.settimeout(self.deadline)
            self.socket.sendall(head + body)
            return self._read(started)
        except OSError:
            self.close()
            raise

    def _connect(self):
        plain = socket.create_connection(self.address, self.deadline)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.tls.wrap_socket(plain, server_hostname=self.address[0]) if self.tls else plain

    def close(self):
        if self.socket is not None:
            self.reader.close()
            self.socket.close()
            self.socket = None

    def _read(self, started):
        line = self.reader.readline()
        if not line:
            raise ConnectionResetError("the connection was closed without an answer")
        status = int(line.split(b" ", 2)[1])
        headers = {}
        while (line := self.reader.readline()) not in (b"\r\n", b""):
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        body = self.reader.read(int(headers.get("content-length", 0)))
        if headers.get("connection") == "close":
            self.close()
        return Answer(status, headers, body, time.monotonic() - started)

    def _key(self, date, service):
        known = self.signing_keys.get((date, service))
        if known is None:
            known = ("AWS4" + subject.SECRET_ACCESS_KEY).encode()
            for part in (date, subject.REGION, service, "aws4_request"):
                known = hmac.new(known, part.encode(), hashlib.sha256).digest()
            self.signing_keys[(date, service)] = known
        return known
