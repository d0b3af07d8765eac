"""Uploads go to the bucket, come back by signed links, and are kept while the bucket is away."""

import html
import re
import ssl

import httpx
import pytest

from rehearsal.bucket import HOSTS, Bucket
from rehearsal.combinations import COMBINATIONS, TEMPLATE, for_combinations
from rehearsal.services import free_port

pytestmark = for_combinations([answers for answers in COMBINATIONS if answers["use_s3_media"]])
PICTURE = TEMPLATE / "docs/presence.png"


@pytest.fixture(scope="session")
def site(deployment, bucket):
    with deployment.site(**bucket.environment) as site:
        yield site


@pytest.fixture
def host(project) -> str:
    """The bucket's, as the platform has it."""
    return HOSTS[project.answers["platform"]]


def upload(visitor, content: bytes) -> httpx.Response:
    files = {"image": ("me.png", content, "image/png")}
    return visitor.submit("/picture/", files=files)


def link_in(page: str) -> str:
    return html.unescape(re.search(r'class="picture" src="([^"]+)"', page)[1])


def fetch(link: str, bucket: Bucket) -> httpx.Response:
    """What a browser gets that shows the link's picture."""
    trust = ssl.create_default_context(cafile=bucket.authority)
    with httpx.Client(proxy=bucket.url, verify=trust) as client:
        return client.get(link)


def test_a_picture_comes_back_by_its_signed_link_and_a_new_one_takes_its_place(
    visitor, bucket, host
):
    visitor.sign_up("portrayed")
    assert upload(visitor, PICTURE.read_bytes()).is_redirect
    before = bucket.keys()
    page = visitor.get("/picture/")
    link = link_in(page.text)
    assert re.match(
        rf"https://{re.escape(host)}/pictures/[0-9a-f-]+\.webp\?.*X-Amz-Signature=", link
    )
    assert "X-Amz-Expires=3600" in link
    policy = page.headers["Content-Security-Policy"]
    assert re.search(r"img-src ([^;]+)", policy)[1].split() == ["'self'", f"https://{host}"]
    picture = fetch(link, bucket)
    assert (picture.status_code, picture.headers["Content-Type"]) == (200, "image/webp")
    assert picture.content[8:12] == b"WEBP"
    assert upload(visitor, PICTURE.read_bytes()).is_redirect
    assert link_in(visitor.get("/picture/").text).partition("?")[0] != link.partition("?")[0]
    assert len(bucket.keys()) == len(before)


def test_a_picture_is_for_no_one_who_has_no_signed_link(visitor, bucket):
    """moto, the S3 server here, grants a request without a signature what the object's ACL grants
    to everyone. It does not verify a signature that is there.
    """
    visitor.sign_up("hidden")
    assert upload(visitor, PICTURE.read_bytes()).is_redirect
    link = link_in(visitor.get("/picture/").text)
    path = link.partition("?")[0]
    assert fetch(link, bucket).status_code == 200
    assert fetch(path, bucket).status_code == 403
    key = path.partition("/pictures/")[2]
    assert bucket.grants(f"pictures/{key}") == [("CanonicalUser", "FULL_CONTROL")]


def test_what_is_no_picture_is_refused_in_a_sentence(visitor, bucket):
    visitor.sign_up("forger_of_pictures")
    before = bucket.keys()
    answer = upload(visitor, b"<script>alert(1)</script>")
    assert answer.status_code == 200
    assert "This file is not a JPEG, PNG, WebP or GIF picture." in answer.text
    assert bucket.keys() == before


def test_while_the_bucket_is_away_the_page_says_so_and_keeps_what_it_had(visitor, bucket):
    visitor.sign_up("patient")
    upload(visitor, PICTURE.read_bytes())
    path = link_in(visitor.get("/picture/").text).partition("?")[0]
    bucket.target_port = free_port()
    try:
        answer = upload(visitor, PICTURE.read_bytes())
        assert answer.status_code == 200
        assert "The picture could not be stored. Please try again later." in answer.text
    finally:
        bucket.target_port = bucket.server_port
    link = link_in(visitor.get("/picture/").text)
    assert link.partition("?")[0] == path
    assert fetch(link, bucket).status_code == 200
