"""An upload on each server goes to the bucket, and comes back by a signed link, which it needs.

moto, the S3 server here, grants a request without a signature what the object's ACL grants to
everyone. It does not verify a signature that is there.
"""

import re

from tests.harness.bucket import HOSTS, link_in, upload
from tests.harness.combinations import EACH_SERVER, for_combinations

# One of each server: both platforms with each interface.
pytestmark = for_combinations([answers for answers in EACH_SERVER if answers["use_s3_media"]])


def test_picture_is_shown_by_a_signed_link_until_it_is_replaced(visitor, bucket, project):
    host = HOSTS[project.answers["platform"]]
    visitor.sign_up("portrayed")
    assert upload(visitor).is_redirect
    before = bucket.keys()
    page = visitor.get("/picture/")
    link = link_in(page.text)
    assert re.match(
        rf"https://{re.escape(host)}/pictures/[0-9a-f-]+\.webp\?.*X-Amz-Signature=", link
    )
    assert "X-Amz-Expires=3600" in link
    policy = page.headers["Content-Security-Policy"]
    assert re.search(r"img-src ([^;]+)", policy)[1].split() == ["'self'", f"https://{host}"]
    picture = bucket.fetch(link)
    assert (picture.status_code, picture.headers["Content-Type"]) == (200, "image/webp")
    assert picture.content[8:12] == b"WEBP"
    path = link.partition("?")[0]
    assert bucket.fetch(path).status_code == 403
    key = path.partition(f"{host}/")[2]
    assert bucket.grants(key) == [("CanonicalUser", "FULL_CONTROL")]
    assert upload(visitor).is_redirect
    assert link_in(visitor.get("/picture/").text).partition("?")[0] != path
    assert len(bucket.keys()) == len(before)
