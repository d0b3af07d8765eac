"""Validators of environment variables, for settings."""

from environs import validate

is_mail_url = validate.Regexp(
    r"(smtps?://([^\s:/?#@]+:[^\s:/?#@]+@)?[\w.-]+(:[1-5]?\d{1,4})?)?$",
    error="Must have the form smtps://user:password@host:port, with :/?#@ percent-encoded.",
)
