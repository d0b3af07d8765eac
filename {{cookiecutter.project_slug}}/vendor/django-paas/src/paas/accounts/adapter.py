"""What differs from allauth: https://docs.allauth.org/en/latest/account/adapter.html."""

from ipaddress import ip_address
from types import SimpleNamespace

from allauth.account import app_settings, stages
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.core import context as allauth_context
from allauth.core import ratelimit
from django.apps import apps
from django.core.validators import MaxLengthValidator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.module_loading import import_string

from paas.conf import settings

MAX_EMAIL_LENGTH = 254
IN_REQUEST, BY_WORKER = "paas.accounts.mail.send", "paas.celery.tasks.queue_mail"
VERIFICATION_STAGE = "allauth.account.stages.EmailVerificationStage"


class EmailVerificationStage(stages.EmailVerificationStage):
    """Demands a confirmed address at an account's first login only.

    Accounts from before EMAIL_URL was set were never asked to confirm theirs, and must not be
    locked out; those that the admin or ``createsuperuser`` made may have none.
    """

    def handle(self):
        user = self.login.user
        if user and (user.last_login or user.is_staff or not user.email):
            return None, True
        return super().handle()


class AccountAdapter(DefaultAccountAdapter):
    """Who may sign up, and how mail is sent."""

    def is_open_for_signup(self, request) -> bool:
        return settings.SIGN_UP == "open"

    def get_login_stages(self) -> list[str]:
        own = f"{__name__}.{EmailVerificationStage.__name__}"
        return [own if path == VERIFICATION_STAGE else path for path in super().get_login_stages()]

    def pre_authenticate(self, request, **credentials) -> None:
        """Nothing: paas.accounts.lockout counts failed logins, before the password is hashed."""

    def authenticate(self, request, **credentials):
        """Tell paas.accounts.lockout that after the password allauth asks for a second factor."""
        request.second_factor_follows = True
        return super().authenticate(request, **credentials)

    def is_safe_url(self, url: str) -> bool:
        """Whether a page may redirect to the URL: to this host only.

        ALLOWED_HOSTS, which allauth adds, may name a whole domain, with sites of others.
        """
        hosts = {allauth_context.request.get_host()}
        return url_has_allowed_host_and_scheme(url, allowed_hosts=hosts)

    def clean_email(self, email: str) -> str:
        MaxLengthValidator(MAX_EMAIL_LENGTH)(email)
        return super().clean_email(email)

    def can_delete_email(self, email_address) -> bool:
        """Not the account's own: a new one, once confirmed, replaces it.

        After deleting it, allauth makes an unconfirmed one the account's own, which may be anyone's.
        """
        return not email_address.primary and super().can_delete_email(email_address)

    def send_notification_mail(self, template_prefix, user, context=None, email=None) -> None:
        """Send within a limit: the address may be unconfirmed, so someone else's.

        Its owner has a limit of their own, which mail for the accounts of others does not use up.
        """
        if not app_settings.EMAIL_NOTIFICATIONS:
            return
        address = email or user.email
        is_own = EmailAddress.objects.filter(
            user=user, email__iexact=address, verified=True
        ).exists()
        key = f"{user.pk} {address}" if is_own else address
        if ratelimit.consume(self.request, action="notify", key=key):
            super().send_notification_mail(template_prefix, user, context, email)

    def send_confirmation_mail(self, request, emailconfirmation, signup: bool) -> None:
        """Tell the owner of a confirmed address that they have an account, instead."""
        address = emailconfirmation.email_address
        if address.can_set_verified():
            super().send_confirmation_mail(request, emailconfirmation, signup)
        else:
            self.send_account_already_exists_mail(address.email)

    def send_mail(self, template_prefix: str, email: str, context: dict) -> None:
        """Send by SEND_MAIL, or else by a worker if there is one; both raise nothing."""
        request = self.request  # None in a task or a command
        domain = request.get_host() if request else settings.SITE_NAME
        site = SimpleNamespace(name=settings.SITE_NAME, domain=domain)
        context = {"request": request, "email": email, "current_site": site, **context}
        send = settings.SEND_MAIL or (BY_WORKER if apps.is_installed("paas.celery") else IN_REQUEST)
        import_string(send)(self.render_mail(template_prefix, email, context))

    def get_client_ip(self, request) -> str:
        """REMOTE_ADDR, by paas.platforms.proxy_headers; allauth would count ::ffff:192.0.2.1 as a network."""
        address = ip_address(request.META["REMOTE_ADDR"])
        return str(getattr(address, "ipv4_mapped", None) or address)
