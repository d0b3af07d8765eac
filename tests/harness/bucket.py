"""A local S3 server, which a proxy serves under the host names of S3 and Spaces."""

import asyncio
import html
import re
import ssl
from contextlib import suppress
from pathlib import Path

import boto3
import httpx
import trustme
from moto.server import ThreadedMotoServer

from rehearse.services import TLSProxy
from tests.harness.combinations import TEMPLATE
from tests.harness.site import Visitor

REGION, NAME = "us-east-1", "uploads"
S3_HOST = f"{NAME}.s3.{REGION}.amazonaws.com"
SPACES_HOST = f"{NAME}.nyc3.digitaloceanspaces.com"
HOSTS = {"heroku": S3_HOST, "digitalocean": SPACES_HOST}
PICTURE = TEMPLATE / "docs/presence.png"


def upload(visitor: Visitor) -> httpx.Response:
    """Upload PICTURE."""
    files = {"image": ("me.png", PICTURE.read_bytes(), "image/png")}
    return visitor.submit("/picture/", files=files)


def link_in(page: str) -> str:
    """The signed link of the picture on the page."""
    return html.unescape(re.search(r'class="picture" src="([^"]+)"', page)[1])


class Bucket(TLSProxy):
    """An empty bucket called NAME.

    In: a folder for its certificate. Out: ``environment``, with which a process reaches it by the
    names of the real ones; ``url``, of the proxy, and ``authority``, the path of its certificate.
    """

    def __init__(self, folder: Path):
        super().__init__(0, None, None)
        authority = trustme.CA()
        self.authority = folder / "bucket.pem"
        authority.cert_pem.write_to_path(self.authority)
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(S3_HOST, SPACES_HOST).configure_cert(self._tls)
        self._server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)

    def __enter__(self):
        self._server.start()
        host, self.target_port = self._server.get_host_and_port()
        keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
        url = f"http://{host}:{self.target_port}"
        self._client = boto3.client("s3", region_name=REGION, endpoint_url=url, **keys)
        self._client.create_bucket(Bucket=NAME)
        super().__enter__()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {"HTTPS_PROXY": self.url, "AWS_CA_BUNDLE": str(self.authority)}
        return self

    def __exit__(self, *exception):
        super().__exit__(*exception)
        self._server.stop()

    def fetch(self, link: str) -> httpx.Response:
        """The response to a browser that shows the link's picture."""
        trust = ssl.create_default_context(cafile=self.authority)
        return httpx.get(link, proxy=self.url, verify=trust)

    def keys(self) -> list[str]:
        """The names of what is in the bucket."""
        return [one["Key"] for one in self._client.list_objects_v2(Bucket=NAME).get("Contents", [])]

    def grants(self, key: str) -> list[tuple[str, str]]:
        """Who may do what with an object, by its ACL: kinds of grantees and permissions."""
        acl = self._client.get_object_acl(Bucket=NAME, Key=key)
        return [(grant["Grantee"]["Type"], grant["Permission"]) for grant in acl["Grants"]]

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the client's CONNECT, then end TLS as the host that it names."""
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.start_tls(self._tls)
            await super()._handle(reader, writer)
        writer.close()

    def _passed_on(self, data: bytes) -> bytes:
        # The server knows no names but Amazon's; Spaces speaks the same protocol.
        return data.replace(SPACES_HOST.encode(), S3_HOST.encode())
