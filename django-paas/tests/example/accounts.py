from datetime import timedelta

PASSWORD_HASHERS = ["paas.accounts.hashers.Argon2"]
ACCOUNT_ADAPTER = "example.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_RATE_LIMITS = {"login": "", "login_failed": "5/15m/key", "reset_password": "3/h/key"}
AXES_CLIENT_IP_CALLABLE = "paas.accounts.throttle.counted_ip"
AXES_HANDLER = "paas.accounts.throttle.Handler"
AXES_LOCKOUT_CALLABLE = "paas.accounts.throttle.lockout_response"
AXES_USERNAME_CALLABLE = "paas.accounts.throttle.counted_username"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = 1
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
