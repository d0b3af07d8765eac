"""Mutants of "Accounts"."""

from mutants.row import PROJECT, WAITRESS, by_project, by_template

THROTTLE = "users/throttle.py"
SETTINGS = "config/settings.py"

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
# One of SignUpForm that tells who has an e-mail address.
UNIQUE_EMAIL = """
    def clean_email(self):
        if User.objects.filter(email=self.cleaned_data["email"]).exists():
            raise ValidationError("This address has an account.")
        return self.cleaned_data["email"]
"""
# Lines of Backend.authenticate() that answer sooner if there is no such account.
NO_HASH_FOR_UNKNOWN = """\
        from users.models import User

        if not User.objects.filter(username=credentials["username"]).exists():
            return None
"""
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
        SETTINGS,
        'AXES_HANDLER = "users.throttle.Handler"',
        "",
        "tests/test_throttle.py::test_an_ip_that_tries_many_users_is_locked_out",
    ),
    by_project(
        LOG_IN,
        SETTINGS,
        '[["username", "ip_address"]]',
        '["ip_address"]',
        "tests/test_throttle.py::test_a_login_resets_that_user_s_failures_only",
    ),
    by_project(
        OLD_PASSWORD,
        "users/forms.py",
        "authenticate(self.request, username=username, password=password)",
        "self.user.check_password(password)",
        "tests/test_throttle.py::test_wrong_old_passwords_count_for_the_lockout",
    ),
    by_project(
        OLD_PASSWORD,
        SETTINGS,
        '"old_password", ',
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
        SETTINGS,
        "AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False",
        "AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = True",
        "tests/test_throttle.py::test_attempts_during_a_lockout_do_not_extend_it",
    ),
    by_project(
        LOCKED_OUT,
        SETTINGS,
        "AXES_COOLOFF_TIME = timedelta(minutes=15)",
        "AXES_COOLOFF_TIME = timedelta(days=15)",
        "tests/test_throttle.py::test_attempts_during_a_lockout_do_not_extend_it",
    ),
    by_project(
        NO_HASH,
        THROTTLE,
        "            super().authenticate(request, *args, **credentials)",
        "            ModelBackend.authenticate(self, request, *args, **credentials)\n"
        "            super().authenticate(request, *args, **credentials)",
        "tests/test_throttle.py::test_no_password_is_hashed_during_a_lockout",
    ),
    by_project(ARGON2, SETTINGS, '    "users.hashers.Argon2",\n', "", HASHED),
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
        SETTINGS,
        '    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},\n',
        "",
        WEAK_PASSWORD,
    ),
    by_project(
        WEAK,
        SETTINGS,
        '    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},\n',
        "",
        WEAK_PASSWORD,
    ),
    by_project(
        WEAK,
        SETTINGS,
        '    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},\n',
        "",
        WEAK_PASSWORD,
    ),
    by_project(
        WEAK,
        SETTINGS,
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
        WHO,
        "users/forms.py",
        '        fields = ("username", "email")\n',
        f'        fields = ("username", "email")\n{UNIQUE_EMAIL}',
        "tests/test_users.py::test_signing_up_does_not_reveal_who_has_an_e_mail_address",
    ),
    by_project(
        WHO,
        THROTTLE,
        "        return ModelBackend.authenticate(self, request, *args, **credentials)",
        f"{NO_HASH_FOR_UNKNOWN}"
        "        return ModelBackend.authenticate(self, request, *args, **credentials)",
        "tests/test_users.py::test_a_wrong_password_and_an_unknown_username_get_the_same_response",
    ),
    by_template(
        ADMIN,
        f"{PROJECT}/config/urls.py",
        "path(settings.ADMIN_PATH, admin.site.urls)",
        'path("admin/", admin.site.urls)',
        "test_accounts.py::test_the_admin_is_where_the_environment_says",
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
