"""Mutants of "Accounts"."""

from scripts.mutants.row import CONFIGURED, PROJECT, WAITRESS, by_project, by_template

THROTTLE = "users/throttle.py"
SETTINGS = "config/settings.py"
PRESETS = "paas/presets.py"
USERS = "tests/test_users.py"

LOG_IN = "login throttled by person and address, the admin's too"
OLD_PASSWORD = "the old password, asked for a new one, counts as well, and is not kept"
LOCKED_OUT = "no stranger locks a person out for good"
NO_HASH = "refusals cost no hash"
ARGON2 = "passwords by Argon2id, in bounded memory"
WEAK = "weak passwords are refused"
NEW_SESSION = "login takes a new session; a new password ends the others"
ONE_NAME = "one name, one person, whatever its case and however quick the other"
WHO = "nothing tells who has an account but a name that is taken"
FIVE = "tests/test_throttle.py::test_after_five_wrong_passwords_the_right_one_is_refused_too"
HASHED = "tests/test_users.py::test_passwords_are_hashed_by_argon2_with_owasp_s_parameters"
TWO_AT_A_TIME = "tests/test_users.py::test_at_most_two_passwords_are_hashed_at_a_time"
WEAK_PASSWORD = "tests/test_users.py::test_a_weak_password_is_refused"
# A method of users.models.User that makes all sessions outlive a change of the password.
SAME_HASH = """
    def get_session_auth_hash(self):
        return "always the same"
"""
# Lines of Backend.authenticate() that answer sooner if there is no such account.
NO_HASH_FOR_UNKNOWN = """\
        if user is None:
            return None
"""
LIMITS = (
    "sign-up, password reset, confirmation, a new address or user name, and codes of a second "
    "factor are limited, by all processes together"
)
CLOSED = "with `SIGN_UP=closed` no stranger makes an account"
NAMES = "no reserved name, homograph or address is a user name"
CONFIRMED = "a new account confirms its address before its first login"
FACTOR = "the admin asks staff for a second factor, if so configured"
STOLEN = "a stolen session can neither delete the account, nor change its address or user name"
UNCONFIRMED = "mail to an unconfirmed address has a limit, and no text of strangers"
REDIRECT = "no redirect to another host after a login"
STAFF = "staff see no secret of a second factor, and confirm no address but a user's own"
ADMIN = "the admin's path is the operator's choice"

MUTANTS = (
    by_project(LOG_IN, THROTTLE, "USER_AND_IP_LIMIT = 5", "USER_AND_IP_LIMIT = 6", FIVE),
    by_project(
        LOG_IN,
        THROTTLE,
        ' or failures["ip"] >= IP_LIMIT',
        "",
        "tests/test_throttle.py::test_an_ip_that_tries_many_users_is_locked_out",
    ),
    by_project(
        LOG_IN,
        THROTTLE,
        'if failures["user"] < USER_LIMIT:',
        "if True:",
        "tests/test_throttle.py::test_many_ips_cannot_lock_a_user_out_at_a_known_ip",
    ),
    by_project(
        LOG_IN,
        THROTTLE,
        "if address.version == 6:",
        "if False:",
        "tests/test_throttle.py::test_an_ipv6_network_counts_as_one_ip",
    ),
    by_project(
        LOG_IN,
        THROTTLE,
        "await sync_to_async(self.authenticate)(request, *args, **credentials)",
        "await ModelBackend.aauthenticate(self, request, *args, **credentials)",
        "tests/test_throttle.py::test_aauthenticate_has_the_lockout_too",
    ),
    by_project(
        LOG_IN,
        SETTINGS,
        '["users.throttle.Backend"]',
        '["axes.backends.AxesBackend", "django.contrib.auth.backends.ModelBackend"]',
        "tests/test_throttle.py::test_aauthenticate_has_the_lockout_too",
    ),
    by_project(
        LOG_IN,
        PRESETS,
        'AXES_HANDLER = "users.throttle.Handler"',
        "",
        "tests/test_throttle.py::test_an_ip_that_tries_many_users_is_locked_out",
    ),
    by_project(
        LOG_IN,
        PRESETS,
        '[["username", "ip_address"]]',
        '["ip_address"]',
        "tests/test_throttle.py::test_a_login_resets_that_user_s_failures_only",
    ),
    by_project(
        OLD_PASSWORD,
        "users/forms.py",
        "authenticate(request := forms.context.request, username=username, password=password)",
        "self.user.check_password(password) and (request := forms.context.request)",
        "tests/test_throttle.py::test_wrong_old_passwords_count_for_the_lockout",
    ),
    by_project(
        OLD_PASSWORD,
        PRESETS,
        '"oldpassword", ',
        "",
        "tests/test_throttle.py::test_wrong_old_passwords_count_for_the_lockout",
    ),
    by_project(
        OLD_PASSWORD,
        "config/urls.py",
        'f"{settings.ADMIN_PATH}password_change/"',
        'f"{settings.ADMIN_PATH}unused/"',
        "tests/test_throttle.py::test_wrong_old_passwords_count_for_the_lockout",
    ),
    by_project(
        LOCKED_OUT,
        THROTTLE,
        "return 0 if AccessLog.objects.filter(of_user, of_ip).exists() else 1",
        "return 1",
        "tests/test_throttle.py::test_many_ips_cannot_lock_a_user_out_at_a_known_ip",
    ),
    by_project(
        LOCKED_OUT,
        PRESETS,
        "AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False",
        "AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = True",
        "tests/test_throttle.py::test_attempts_during_a_lockout_do_not_extend_it",
    ),
    by_project(
        LOCKED_OUT,
        PRESETS,
        "AXES_COOLOFF_TIME = timedelta(minutes=15)",
        "AXES_COOLOFF_TIME = timedelta(days=15)",
        "tests/test_throttle.py::test_attempts_during_a_lockout_do_not_extend_it",
    ),
    by_project(
        NO_HASH,
        THROTTLE,
        "            super().authenticate(request, name, password)",
        "            ModelBackend.authenticate(self, request, name, password)\n"
        "            super().authenticate(request, name, password)",
        "tests/test_throttle.py::test_no_password_is_hashed_during_a_lockout",
    ),
    by_project(ARGON2, PRESETS, '    "users.hashers.Argon2",\n', "", HASHED),
    by_project(ARGON2, "users/hashers.py", "    memory_cost = 19 * 1024\n", "", HASHED),
    by_project(ARGON2, "users/hashers.py", "    time_cost = 2\n", "    time_cost = 1\n", HASHED),
    by_project(
        ARGON2,
        "users/hashers.py",
        "HASH_THREADS.submit(super().encode, password, salt).result()",
        "super().encode(password, salt)",
        TWO_AT_A_TIME,
    ),
    by_project(
        ARGON2,
        "users/hashers.py",
        "HASH_THREADS.submit(super().verify, password, encoded).result()",
        "super().verify(password, encoded)",
        TWO_AT_A_TIME,
    ),
    by_project(
        ARGON2, "users/hashers.py", "ThreadPoolExecutor(2,", "ThreadPoolExecutor(3,", TWO_AT_A_TIME
    ),
    by_project(
        WEAK,
        PRESETS,
        '    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},\n',
        "",
        WEAK_PASSWORD,
    ),
    by_project(
        WEAK,
        PRESETS,
        '    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},\n',
        "",
        WEAK_PASSWORD,
    ),
    by_project(
        WEAK,
        PRESETS,
        '    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},\n',
        "",
        WEAK_PASSWORD,
    ),
    by_project(
        WEAK,
        PRESETS,
        '    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},\n',
        "",
        WEAK_PASSWORD,
    ),
    by_project(
        NEW_SESSION,
        "users/models.py",
        "    class Meta(AbstractUser.Meta):",
        f"{SAME_HASH}\n    class Meta(AbstractUser.Meta):",
        "tests/test_users.py::test_changing_the_password_starts_a_new_session_and_ends_the_others",
    ),
    by_project(
        ONE_NAME,
        "users/models.py",
        'Lower("username")',
        '"username"',
        "tests/test_users.py::test_usernames_are_unique_regardless_of_case",
    ),
    by_project(
        ONE_NAME,
        "users/migrations/0002_username_in_any_case.py",
        'django.db.models.functions.text.Lower("username")',
        'django.db.models.functions.text.Trim("username")',
        "tests/test_users.py::test_usernames_are_unique_regardless_of_case",
    ),
    by_template(
        ONE_NAME,
        f"{PROJECT}/users/views.py",
        "except IntegrityError:",
        "except ArithmeticError:",
        "test_accounts.py::test_two_who_take_one_name_at_once_get_it_once_and_an_error_page_never",
        answers=WAITRESS,
    ),
    by_project(
        NAMES,
        "users/forms.py",
        'forms.get_adapter().clean_username(self.cleaned_data["username"], shallow=True)',
        'self.cleaned_data["username"]',
        f"{USERS}::test_a_new_user_name_follows_the_rules_of_sign_up",
    ),
    by_project(
        LOCKED_OUT,
        "users/forms.py",
        "known.update(username=self.instance.username)",
        "pass",
        f"{USERS}::test_known_ips_stay_known_when_the_user_name_changes",
    ),
    by_project(
        WHO,
        "users/forms.py",
        "    def validate_unique_email(self, value: str) -> str:\n        return value\n",
        "",
        "tests/test_users.py::test_an_address_with_an_account_gets_the_same_response",
    ),
    by_project(
        WHO,
        THROTTLE,
        "        # It hashes the password of an unknown user too: both take as long.\n",
        NO_HASH_FOR_UNKNOWN,
        "tests/test_users.py::test_a_wrong_password_and_an_unknown_username_get_the_same_response",
    ),
    by_project(
        WHO,
        PRESETS,
        'ACCOUNT_PREVENT_ENUMERATION = "strict"',
        "ACCOUNT_PREVENT_ENUMERATION = False",
        f"{USERS}::test_a_password_is_reset_by_mail",
    ),
    by_project(
        WHO,
        "users/adapter.py",
        "if address.can_set_verified():",
        "if True:",
        f"{USERS}::test_the_owner_of_a_confirmed_address_is_told_of_their_account",
    ),
    by_project(
        LOCKED_OUT,
        THROTTLE,
        "return min(users, key=lambda user: user.pk)",
        "return max(users, key=lambda user: user.pk)",
        f"{USERS}::test_another_s_unconfirmed_address_does_not_get_in_the_way_of_its_owner",
    ),
    by_project(
        LIMITS,
        PRESETS,
        '"signup": "20/h/ip"',
        '"signup": ""',
        f"{USERS}::test_signing_up_has_a_limit_per_ip",
    ),
    by_project(
        LIMITS,
        PRESETS,
        '"reset_password": "20/h/ip,3/h/key"',
        '"reset_password": ""',
        f"{USERS}::test_password_resets_have_a_limit_per_address",
    ),
    by_project(
        LIMITS,
        PRESETS,
        '"manage_email": "10/h/user"',
        '"manage_email": ""',
        f"{USERS}::test_changes_of_the_address_have_a_limit_per_user",
    ),
    by_project(
        LIMITS,
        PRESETS,
        '"change_username": "10/h/user"',
        '"change_username": ""',
        f"{USERS}::test_changes_of_the_user_name_have_a_limit_per_user",
    ),
    by_project(
        UNCONFIRMED,
        PRESETS,
        '"notify": "20/d/key"',
        '"notify": ""',
        f"{USERS}::test_notifications_have_a_limit_and_no_text_of_strangers",
    ),
    by_project(
        UNCONFIRMED,
        "templates/account/email/base_notification.txt",
        "IP address {{ ip }}",
        "IP address {{ ip }} {{ user_agent }}",
        f"{USERS}::test_notifications_have_a_limit_and_no_text_of_strangers",
    ),
    by_project(
        UNCONFIRMED,
        "users/adapter.py",
        "return not email_address.primary and",
        "return",
        f"{USERS}::test_the_account_s_own_address_cannot_be_deleted",
    ),
    by_project(
        REDIRECT,
        "users/adapter.py",
        "return url_has_allowed_host_and_scheme(url, allowed_hosts=hosts)",
        "return super().is_safe_url(url) if hosts else url_has_allowed_host_and_scheme(url, hosts)",
        f"{USERS}::test_a_redirect_after_the_login_stays_on_this_host",
    ),
    by_project(
        STAFF,
        "users/admin.py",
        'exclude = ["data"]',
        "exclude: list[str] = []",
        f"{USERS}::test_the_admin_shows_no_secret_of_a_second_factor",
    ),
    by_project(
        STAFF,
        "users/admin.py",
        "    EmailAddress.objects.filter(user=user).delete()\n",
        "",
        f"{USERS}::test_an_address_that_the_admin_changes_replaces_the_old_one",
    ),
    by_project(
        LOCKED_OUT,
        THROTTLE,
        "if user.email.lower() == typed.lower()]",
        "if typed]",
        "tests/test_throttle.py"
        "::test_an_address_that_another_has_only_asked_for_is_still_its_owner_s",
    ),
    by_project(
        LOG_IN,
        THROTTLE,
        "typed.lower()[:MAX_NAME_LENGTH]",
        "typed.lower()",
        "tests/test_throttle.py::test_failures_of_a_name_that_grows_in_lowercase_count_too",
    ),
    by_project(
        LOG_IN,
        THROTTLE,
        "typed = username or email",
        "typed = email or username",
        f"{USERS}::test_the_password_is_that_of_the_user_and_not_of_another_with_the_address",
    ),
    by_project(
        LOCKED_OUT,
        THROTTLE,
        "filter(same | Q(",
        "filter(Q(",
        "tests/test_throttle.py::test_each_ip_address_of_a_user_is_stored_once",
    ),
    by_project(
        STOLEN,
        PRESETS,
        "ACCOUNT_REAUTHENTICATION_REQUIRED = True",
        "ACCOUNT_REAUTHENTICATION_REQUIRED = False",
        f"{USERS}::test_changing_the_address_or_the_user_name_requires_the_password",
    ),
    by_project(
        STOLEN,
        "users/views.py",
        "[reauthentication_required, rate_limit",
        "[rate_limit",
        f"{USERS}::test_changing_the_address_or_the_user_name_requires_the_password",
    ),
    by_project(
        LIMITS,
        PRESETS,
        "ACCOUNT_RATE_LIMITS = {\n",
        'ACCOUNT_RATE_LIMITS = {\n    "confirm_email": "",\n',
        f"{USERS}::test_mails_of_confirmation_have_a_limit_per_address",
    ),
    by_project(
        CLOSED,
        "users/adapter.py",
        'return settings.SIGN_UP == "open"',
        "return True",
        f"{USERS}::test_sign_up_can_be_closed",
    ),
    by_template(
        CLOSED,
        f"{PROJECT}/{SETTINGS}",
        'env.str("SIGN_UP", "open", validate=validate.OneOf(["open", "closed"]))',
        '"open"',
        CONFIGURED,
        answers=WAITRESS,
    ),
    by_project(
        LIMITS,
        PRESETS,
        '"login_failed": "5/15m/key"',
        '"login_failed": ""',
        f"{USERS}::test_a_second_factor_is_asked_for_after_the_password",
    ),
    by_project(
        LIMITS,
        "users/apps.py",
        'ratelimit.cache = totp.cache = ConnectionProxy(caches, "limits")',
        "assert ratelimit and totp and ConnectionProxy and caches",
        f"{USERS}::test_limits_are_counted_in_the_database",
    ),
    by_project(
        NAMES,
        "users/forms.py",
        r"\A[A-Za-z0-9][A-Za-z0-9._-]*\Z",
        ".*",
        f"{USERS}::test_reserved_names_homographs_and_addresses_are_no_user_names",
    ),
    by_project(
        NAMES,
        PRESETS,
        '"admin", ',
        "",
        f"{USERS}::test_reserved_names_homographs_and_addresses_are_no_user_names",
    ),
    by_project(
        CONFIRMED,
        "users/adapter.py",
        "if user and (user.last_login or user.is_staff or not user.email):",
        "if user:",
        f"{USERS}::test_a_new_account_is_confirmed_by_mail_before_its_first_login",
    ),
    by_template(
        CONFIRMED,
        f"{PROJECT}/{SETTINGS}",
        '"mandatory" if EMAIL_URL else "optional"',
        '"optional"',
        "test_account_pages.py::test_an_account_from_sign_up_to_its_end",
    ),
    by_project(
        FACTOR,
        "users/sites.py",
        "not settings.STAFF_NEEDS_SECOND_FACTOR or used_second_factor(request)",
        "True",
        f"{USERS}::test_staff_need_a_second_factor_if_so_configured",
    ),
    by_project(
        FACTOR,
        "users/sites.py",
        'return any(record["method"] == "mfa" for record in records)',
        "return bool(records)",
        f"{USERS}::test_staff_enter_the_admin_with_their_second_factor",
    ),
    by_project(
        STOLEN,
        "users/views.py",
        '@method_decorator(reauthentication_required, name="dispatch")\n',
        "",
        f"{USERS}::test_deleting_the_account_requires_the_password",
    ),
    by_template(
        ADMIN,
        f"{PROJECT}/config/urls.py",
        "path(settings.ADMIN_PATH, admin.site.urls)",
        'path("admin/", admin.site.urls)',
        CONFIGURED,
        answers=WAITRESS,
    ),
    by_template(
        ARGON2,
        f"{PROJECT}/users/hashers.py",
        "ThreadPoolExecutor(2,",
        "ThreadPoolExecutor(99,",
        "test_accounts.py::test_many_threads_that_hash_passwords_take_the_memory_of_two_hashes",
        answers=WAITRESS,
    ),
)
