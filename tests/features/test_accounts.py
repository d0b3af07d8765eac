"""An account on each server, from sign-up to deletion, by the requests that a browser sends."""

from tests.harness.site import PASSWORD, SESSION_COOKIE, session_cookie

RESET = "/accounts/password/reset/"
SECOND, THIRD = f"{PASSWORD} 2", f"{PASSWORD} 3"


def twice(password: str) -> dict[str, str]:
    return {"password1": password, "password2": password}


def test_account_from_sign_up_to_deletion(site, visitor, mail, worker):
    address = "lovelace@example.com"
    assert visitor.sign_up("Lovelace").is_redirect
    assert "Welcome, Lovelace." in visitor.get("/").text
    visitor.submit("/accounts/logout/", page="/")
    assert "Welcome" not in visitor.get("/").text

    assert visitor.submit(RESET, email=address).is_redirect
    form = visitor.get(mail.link(address, f"{RESET}key/")).headers["Location"]
    assert visitor.submit(form, **twice(SECOND)).is_redirect
    assert visitor.log_in("Lovelace").status_code == 200
    assert visitor.log_in("LOVELACE", SECOND).is_redirect
    first = visitor.session

    with site.visitor() as phone, site.visitor() as thief:
        assert phone.log_in(address, SECOND).is_redirect
        assert f"You are Lovelace, {address}." in phone.get("/accounts/").text
        changed = visitor.submit("/accounts/password/change/", oldpassword=SECOND, **twice(THIRD))
        assert changed.is_redirect
        assert phone.get("/accounts/").headers["Location"].startswith("/accounts/login/")
        assert visitor.session != first
        thief.cookies[SESSION_COOKIE] = first
        assert "Welcome" not in thief.get("/").text

    assert "reauthenticate" in visitor.get("/accounts/username/").headers["Location"]
    assert visitor.submit("/accounts/reauthenticate/", password=THIRD).is_redirect
    assert visitor.submit("/accounts/username/", username="Byron").is_redirect
    assert f"You are Byron, {address}." in visitor.get("/accounts/").text
    assert visitor.submit("/accounts/delete/").is_redirect
    assert visitor.get("/accounts/").is_redirect
    assert visitor.log_in("Byron", THIRD).status_code == 200


def test_session_cookie_with_a_nul_byte_is_ignored(site):
    with site.visitor() as visitor:
        response = visitor.get("/", headers=session_cookie(r'"abcdefgh\000"'))
    assert response.status_code == 200
