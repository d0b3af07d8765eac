"""Pictures are private, and kept while the bucket is unavailable.

The views and the bucket do not depend on the server: one of each interface is tested.
"""

from rehearse.services import free_port
from tests.harness.bucket import link_in, upload
from tests.harness.combinations import by_name, for_combinations
from tests.harness.site import new_name

pytestmark = for_combinations(
    by_name("heroku-asgi-uvicorn-use_s3_media", "digitalocean-wsgi-waitress-use_s3_media"),
    apart="accounts",
)


def test_a_picture_needs_a_signed_link(visitor, bucket):
    """moto, the S3 server here, grants a request without a signature what the object's ACL grants
    to everyone. It does not verify a signature that is there.
    """
    visitor.sign_up(new_name("hidden"))
    assert upload(visitor).is_redirect
    link = link_in(visitor.get("/picture/").text)
    path = link.partition("?")[0]
    assert bucket.fetch(link).status_code == 200
    assert bucket.fetch(path).status_code == 403
    key = path.partition("/pictures/")[2]
    assert bucket.grants(f"pictures/{key}") == [("CanonicalUser", "FULL_CONTROL")]


def test_a_file_that_cannot_be_stored_leaves_the_old_picture_and_a_message(visitor, bucket):
    visitor.sign_up(new_name("patient"))
    assert upload(visitor).is_redirect
    before, path = bucket.keys(), link_in(visitor.get("/picture/").text).partition("?")[0]
    answer = upload(visitor, b"<script>alert(1)</script>")
    assert answer.status_code == 200
    assert "This file is not a JPEG, PNG, WebP or GIF picture." in answer.text
    bucket.target_port = free_port()
    try:
        answer = upload(visitor)
    finally:
        bucket.target_port = bucket.server_port
    assert answer.status_code == 200
    assert "The picture could not be stored. Please try again later." in answer.text
    link = link_in(visitor.get("/picture/").text)
    assert link.partition("?")[0] == path
    assert bucket.fetch(link).status_code == 200
    assert bucket.keys() == before
