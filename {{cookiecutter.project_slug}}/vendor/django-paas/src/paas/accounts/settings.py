"""Settings of accounts, for ``from paas.accounts.settings import *`` near the top of your settings.

One of the same name below that line replaces it.
"""

from datetime import timedelta

# Passwords: https://docs.djangoproject.com/en/stable/topics/auth/passwords/
PASSWORD_HASHERS = [
    "paas.accounts.hashers.Argon2",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",  # older hashes: rehashed at the next login
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# Login, with a lockout; sessions, without an error for an invalid cookie; messages in the session.
AUTHENTICATION_BACKENDS = ["paas.accounts.lockout.Backend"]
SESSION_ENGINE = "paas.accounts.sessions"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"

# Accounts: https://docs.allauth.org/en/latest/account/configuration.html
LOGIN_URL = "account_login"
ACCOUNT_ADAPTER = "paas.accounts.adapter.AccountAdapter"
ACCOUNT_FORMS = {
    "change_password": "paas.accounts.forms.ChangePasswordForm",
    "login": "paas.accounts.forms.LoginForm",
    "signup": "paas.accounts.forms.SignUpForm",
}
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_CHANGE_EMAIL = True  # one address per account: a new one replaces it once confirmed
# Signing up with a registered address creates a second, unconfirmed account, so nobody learns that it is
# registered: see paas.accounts.forms.
ACCOUNT_PREVENT_ENUMERATION = "strict"
ACCOUNT_EMAIL_NOTIFICATIONS = True  # of a new password, address or second factor
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_USERNAME_VALIDATORS = "paas.accounts.forms.USERNAME_VALIDATORS"
ACCOUNT_USERNAME_BLACKLIST = [
    "abuse", "account", "admin", "administrator", "anonymous", "api", "billing", "help",
    "hostmaster", "info", "mail", "moderator", "no-reply", "noreply", "null", "official",
    "owner", "postmaster", "root", "security", "staff", "support", "system", "webmaster",
]  # fmt: skip
# Counted in the default cache, which all processes share. "login" is off: paas.accounts.lockout limits logins.
# "login_failed" is for codes of a second factor. "key" is an email address, or a user.
ACCOUNT_RATE_LIMITS = {
    "login": "",
    "login_failed": "5/15m/key",
    "signup": "20/h/ip",
    "reset_password": "20/h/ip,3/h/key",
    "manage_email": "10/h/user",
    "change_username": "10/h/user",
    "notify": "20/d/key",
}
# Otherwise a stolen session could change the address, then reset the password.
ACCOUNT_REAUTHENTICATION_REQUIRED = True
# Second factor: https://docs.allauth.org/en/latest/mfa/configuration.html
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_USER_VERIFICATION = "required"  # as a passkey replaces the password
# Without a mail server no address is ever confirmed.
MFA_ALLOW_UNVERIFIED_EMAIL = True

# Lockout after failed logins, counted within AXES_COOLOFF_TIME: paas.accounts.lockout says why.
# The limits are LOCKOUT_..., in README.md.
# https://django-axes.readthedocs.io/en/latest/4_configuration.html
AXES_CLIENT_IP_CALLABLE = "paas.accounts.lockout.counted_ip"
AXES_HANDLER = "paas.accounts.lockout.Handler"
AXES_LOCKOUT_CALLABLE = "paas.accounts.lockout.lockout_response"
AXES_USERNAME_CALLABLE = "paas.accounts.lockout.counted_username"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
# A login resets that user's failures from that IP only, or an attacker could clear an IP's count.
AXES_RESET_ON_SUCCESS = True
AXES_SENSITIVE_PARAMETERS = [  # not stored
    "username", "login", "ip_address", "csrfmiddlewaretoken",
    "password", "oldpassword", "password1", "password2",
]  # fmt: skip
AXES_VERBOSE = False
