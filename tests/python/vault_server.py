"""A Vault for tests: its transit API over HTTP on 127.0.0.1, with real AES-256-GCM.

Status codes and texts are those of Vault 1.15 and later (path_encrypt.go, path_decrypt.go).
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

TOKEN = "hvs.TESTTOKENthatnobodymaysee"


@dataclass
class Key:
    """Versions from 1 on, the least that opens, and whether Vault may delete it."""

    versions: list[bytes] = field(default_factory=lambda: [os.urandom(32)])
    least: int = 1
    deletable: bool = False


@dataclass
class Vault:
    """What the server holds, how it behaves, and what it was sent."""

    address: str = ""
    keys: dict[str, Key] = field(default_factory=lambda: {"veil": Key(), "other": Key()})
    mount: str = "transit"
    sealed: bool = False
    heeds_aad: bool = True
    wrong_tag_status: int = 400
    redirect: str = ""
    answer: bytes | None = None
    requests: list[tuple[str, dict[str, str], Any]] = field(default_factory=list)
    release: threading.Event = field(default_factory=threading.Event)
    slow: bool = False

    def reply(self, method: str, path: str, headers: dict[str, str], body: Any) -> tuple[int, Any]:
        """Answer one request: status and JSON."""
        self.requests.append((path, headers, body))
        if self.slow:
            self.release.wait(30)
        if self.sealed:
            return 503, {"errors": ["Vault is sealed"]}
        if headers.get("x-vault-token") != TOKEN or headers.get("x-vault-request") != "true":
            return 403, {"errors": ["permission denied"]}
        mount, _, rest = path.removeprefix("/v1/").partition("/")
        action, _, name = rest.partition("/")
        if mount != self.mount or action not in ("encrypt", "decrypt", "keys"):
            return 404, {"errors": [f'no handler for route "{path}". route entry not found.']}
        key = self.keys.get(name)
        if action == "keys":
            return self._delete(name, key)
        if key is None and action == "encrypt":
            return 403, {"errors": ["1 error occurred:\n\t* permission denied\n\n"]}
        if key is None:
            return 400, {"errors": ["encryption key not found"]}
        aad = base64.b64decode(body["associated_data"]) if self.heeds_aad else b""
        if action == "encrypt":
            return 200, {"data": {"ciphertext": self._seal(key, body["plaintext"], aad)}}
        return self._open(key, body["ciphertext"], aad)

    def _seal(self, key: Key, plaintext: str, aad: bytes) -> str:
        nonce = os.urandom(12)
        sealed = nonce + AESGCM(key.versions[-1]).encrypt(nonce, base64.b64decode(plaintext), aad)
        return f"vault:v{len(key.versions)}:{base64.b64encode(sealed).decode()}"

    def _open(self, key: Key, ciphertext: str, aad: bytes) -> tuple[int, Any]:
        try:
            prefix, number, text = ciphertext.split(":")
            version, sealed = int(number.removeprefix("v")), base64.b64decode(text)
        except (ValueError, binascii.Error):
            return 400, {"errors": ["invalid ciphertext: could not decode base64"]}
        if prefix != "vault":
            return 400, {"errors": ["invalid ciphertext: no prefix"]}
        if version > len(key.versions):
            return 400, {"errors": ["invalid ciphertext: version is too new"]}
        if version < key.least:
            said = "ciphertext or signature version is disallowed by policy (too old)"
            return 400, {"errors": [said]}
        try:
            plaintext = AESGCM(key.versions[version - 1]).decrypt(sealed[:12], sealed[12:], aad)
        except (InvalidTag, ValueError):
            said = "1 error occurred:\n\t* cipher: message authentication failed\n\n"
            return self.wrong_tag_status, {"errors": [said]}
        return 200, {"data": {"plaintext": base64.b64encode(plaintext).decode()}}

    def _delete(self, name: str, key: Key | None) -> tuple[int, Any]:
        if key is None:
            return 400, {"errors": [f"could not delete key; not found: key not found: {name}"]}
        if not key.deletable:
            return 400, {"errors": ["error deleting policy: deletion is not allowed for this key"]}
        del self.keys[name]
        return 204, None


@contextmanager
def vault_server() -> Iterator[Vault]:
    """Run a Vault with the keys `veil` and `other`; it stops with the block."""
    vault = Vault()

    class Handler(BaseHTTPRequestHandler):
        """One request; nothing is logged."""

        def _serve(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = json.loads(raw) if raw else {}
            status, value = vault.reply(self.command, self.path, headers, body)
            data = b"" if value is None else json.dumps(value).encode()
            if vault.answer is not None:
                status, data = 200, vault.answer
            if vault.redirect:
                status, data = 307, b""
            try:
                self.send_response(status)
                if vault.redirect:
                    self.send_header("Location", vault.redirect + self.path)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                pass  # the client did not wait

        do_POST = do_PUT = do_GET = do_DELETE = _serve  # noqa: N815

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    vault.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield vault
    finally:
        vault.release.set()
        server.shutdown()
        thread.join()
        server.server_close()
