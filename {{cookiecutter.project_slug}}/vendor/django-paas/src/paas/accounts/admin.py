from allauth.account.adapter import get_adapter
from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from django.contrib import admin, messages
from django.contrib.auth import get_user_model
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import AbstractUser
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from paas.accounts.forms import is_by_email_only


def invite(user: AbstractUser) -> None:
    """Send the user a link to set a password."""
    key = f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
    context = {
        "user": user,
        "by_email": is_by_email_only(),
        "url": get_adapter().get_reset_password_from_key_url(key),
    }
    get_adapter().send_mail("users/email/invitation", user.email, context)


def replace_addresses(user: AbstractUser) -> None:
    """Make ``user.email`` the only address, confirmed: the administrator vouches for it."""
    EmailAddress.objects.filter(user=user).delete()
    if user.email:
        address = EmailAddress(user=user, email=user.email.lower(), primary=True)
        address.verified = address.can_set_verified()
        address.save()


class AuthenticatorAdmin(admin.ModelAdmin):
    """Second factors, without their secrets. Delete those of a user who has lost the device."""

    list_display = ("user", "type", "created_at", "last_used_at")
    exclude = ["data"]

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False


class UserAdmin(DjangoUserAdmin):
    """Invites: a new user with an email address and without a password is sent a link to set one."""

    actions = ["send_invitation"]
    add_fieldsets = (
        (
            None,
            {
                "classes": ["wide"],
                "description": _(
                    "To invite someone, enter an email address and disable password-based "
                    "authentication: they get a link to set a password."
                ),
                "fields": ("username", "email", "usable_password", "password1", "password2"),
            },
        ),
    )

    def save_model(self, request, obj, form, change):
        super().save_model(request, obj, form, change)
        if "email" in form.changed_data:
            replace_addresses(obj)
        if not change and obj.email and not obj.has_usable_password():
            self.send_invitation(request, get_user_model().objects.filter(pk=obj.pk))

    @admin.action(description=_("Send an invitation to set a password"), permissions=["change"])
    def send_invitation(self, request: HttpRequest, queryset) -> None:
        users = [user for user in queryset.filter(is_active=True) if user.email]
        for user in users:
            invite(user)
        messages.success(request, _("Invitations sent: %(count)s.") % {"count": len(users)})
