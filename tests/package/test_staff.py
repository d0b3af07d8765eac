"""What staff can do in the admin, and what they cannot."""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth.models import Permission
from django.urls import reverse

from example.models import User
from paas.accounts.admin import replace_addresses

LOGIN = "paas.accounts.lockout.Backend"


@pytest.fixture
def staff(client, db):
    """A user who is staff without any permission, and is logged in."""
    user = User.objects.create_user("grace", "grace@example.com", is_staff=True)
    client.force_login(user, LOGIN)
    return user


@pytest.fixture
def factor(user):
    return Authenticator.objects.create(user=user, type="totp", data={"secret": "JBSWY3DP"})


def pages_of(factor: Authenticator) -> list[str]:
    """The admin's pages of second factors: the list, this one, its deletion, its change, a new one."""
    page = "admin:mfa_authenticator_"
    return [
        reverse(f"{page}changelist"),
        reverse(f"{page}change", args=[factor.pk]),
        reverse(f"{page}delete", args=[factor.pk]),
        reverse(f"{page}add"),
    ]


def test_the_admin_s_login_page_leads_staff_who_are_logged_in_to_the_admin(client, staff):
    assert client.get(reverse("admin:login")).url == reverse("admin:index")


@pytest.mark.parametrize(
    ("actions", "statuses"),
    [
        ([], [403, 403, 403, 403]),
        (["view"], [200, 200, 403, 403]),
        (["view", "change", "add"], [200, 200, 403, 403]),
        (["view", "delete"], [200, 200, 200, 403]),
    ],
)
def test_second_factors_are_for_staff_with_the_permission(client, staff, factor, actions, statuses):
    names = [f"{action}_authenticator" for action in actions]
    staff.user_permissions.set(Permission.objects.filter(codename__in=names))
    assert [client.get(page).status_code for page in pages_of(factor)] == statuses


def test_invitations_go_to_active_users_only(admin_client, user, mailoutbox):
    page = reverse("admin:example_user_changelist")
    form = {"action": "send_invitation", "_selected_action": [user.pk]}
    admin_client.post(page, form)
    assert [mail.to for mail in mailoutbox] == [[user.email]]
    User.objects.filter(pk=user.pk).update(is_active=False)
    admin_client.post(page, form)
    assert len(mailoutbox) == 1


def test_invitations_need_the_permission_to_change_users(client, staff, user, mailoutbox):
    staff.user_permissions.set(Permission.objects.filter(codename="view_user"))
    form = {"action": "send_invitation", "_selected_action": [user.pk]}
    client.post(reverse("admin:example_user_changelist"), form)
    assert mailoutbox == []


def test_an_address_that_another_has_confirmed_is_not_confirmed_again(user, staff):
    EmailAddress.objects.create(user=user, email=user.email, primary=True, verified=True)
    staff.email = user.email
    replace_addresses(staff)
    assert not EmailAddress.objects.get(user=staff).verified
