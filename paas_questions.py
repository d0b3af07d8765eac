"""Reject bad answers, in one sentence each, before a file is written.

A local extension of Cookiecutter, named by ``_extensions`` in cookiecutter.json, whose private
variables call its filters: ``__given`` before the first question, ``__texts`` after the last text.
cruft loads it too. Never rename the filters: ``cruft update`` imports this module once, and renders
cookiecutter.json of the old version and of the new one with it.
https://cookiecutter.readthedocs.io/en/stable/advanced/local_extensions.html
"""

import difflib
import json
import keyword
import logging
import re
import sys
import unicodedata
from pathlib import Path

import click
from cookiecutter.config import get_user_config
from cookiecutter.exceptions import FailedHookException
from jinja2.ext import Extension

QUESTIONS = Path(__file__).with_name("cookiecutter.json")
# The generated project's own folders.
FOLDERS = (
    "config media paas pages pictures presence static staticfiles templates tests users welcome"
)
# Every package that it installs, as none may have its own name: scripts/lock.py writes these.
PACKAGES = """
    amqp appdirs argon2_cffi argon2_cffi_bindings asgiref ast_serialize attrs autobahn automat
    billiard boto3 botocore cbor2 celery certifi cffi channels channels_redis click click_didyoumean
    click_plugins click_repl colorama constantly cryptography daphne dj_database_url django
    django_allauth django_axes django_migration_linter django_paas django_storages django_stubs
    django_stubs_ext environs fido2 gunicorn h11 httptools hyperlink idna incremental iniconfig
    jmespath kombu librt marshmallow msgpack mypy mypy_extensions packaging pathspec pillow pluggy
    prompt_toolkit psycopg psycopg_binary psycopg_pool pycparser pygments pyopenssl pytest
    pytest_asyncio pytest_django pytest_env python_dateutil python_dotenv qrcode redis ruff
    s3transfer sentry_sdk service_identity six sqlparse structlog toml twisted txaio types_pyyaml
    typing_extensions tzdata tzlocal u_msgpack_python ujson urllib3 uvicorn vine waitress wcwidth
    websockets whitenoise zope_interface
"""
GOOD_ANSWERS = {
    "project_name": "O'Brien & Sons",
    "description": "Books, bought and sold",
    "author_name": "Ada Lovelace",
}
EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`|~-]+@([a-z0-9-]+\.)+[a-z0-9-]+", re.ASCII | re.IGNORECASE)
# Longer names would be cut by the platforms' own limits, or wrap a line of the settings.
MAX_SLUG_LENGTH = 50
MAX_TEXT_WIDTH = 79
# What Windows takes for devices.
WINDOWS_DEVICE_NAMES = {"con", "prn", "aux", "nul"} | {
    f"{port}{n}" for port in ("com", "lpt") for n in range(10)
}
# What Cookiecutter takes for a boolean.
YES_OR_NO = {"1", "true", "t", "yes", "y", "on", "0", "false", "f", "no", "n", "off"}
# Unicode categories of what cannot be seen, or reorders the text around it: controls, format
# characters, surrogates, unassigned and private ones, spaces but for " ", separators.
INVISIBLE = ("Cc", "Cf", "Cs", "Cn", "Co", "Zs", "Zl", "Zp")
# In them, but part of words and emoji: the space, ZWNJ and ZWJ.
VISIBLE = " \u200c\u200d"
# What templates and strings of files would misread, and letters without a form: Hangul fillers.
FORBIDDEN = '"\\{}\u115f\u1160\u3164\uffa0'
# Beginnings of blocks and comments in templates; this file is one too.
TEMPLATE_MARKS = ("<%", "\x3c#")


class Questions(Extension):
    def __init__(self, environment):
        super().__init__(environment)
        environment.filters |= {"check_given": check_given, "check_texts": check_texts}
        logging.getLogger("cookiecutter.hooks").addFilter(without_traceback)


def check_given(answers):
    """Reject names and values of the command line, and the user's defaults, before any question."""
    questions = json.loads(QUESTIONS.read_text(encoding="utf-8"))
    context = click.get_current_context(silent=True)
    options = context.params if context else {}  # none under cruft, or from Python
    given = options.get("extra_context")
    given = given if isinstance(given, dict) else {}
    config = get_user_config(options.get("config_file"), options.get("default_config", False))
    mine = config["default_context"] or {}
    sentences = [unknown_name(name, questions) for name in given if name not in questions]
    sentences += [invalid_default(name, value, questions) for name, value in mine.items()]
    # Cookiecutter renders both as templates, which loses what was typed.
    texts = {name: text for name, text in (mine | given).items() if isinstance(text, str)}
    reject([*sentences, *(problem(name, text) for name, text in texts.items())])
    return ""


def check_texts(answers):
    """Reject bad texts. ``answers`` is Cookiecutter's own dict of what has been answered so far."""
    reject(problem(name, answer) for name, answer in answers.items())
    return ""


def reject(sentences):
    """Cookiecutter prints these and exits with status 1; in cruft's traceback they come last."""
    if found := [sentence for sentence in sentences if sentence]:
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        text = "\n".join(found)
        raise FailedHookException(text.encode(encoding, "backslashreplace").decode(encoding))


def without_traceback(record):
    """Drop the traceback of a failed hook from the log: the hook has printed its own sentence."""
    record.exc_info = None
    return True


def unknown_name(name, questions):
    """The sentence for NAME=ANSWER on the command line which Cookiecutter would ignore."""
    asked = [question for question in questions if not question.startswith("_")]
    closest = difflib.get_close_matches(name, asked, n=1, cutoff=0)[0]
    return f"{name} is not a question; try {closest!r}."


def invalid_default(name, value, questions):
    """A sentence if Cookiecutter would warn of this default, and ignore it and all others after it."""
    choices = questions.get(name)
    if isinstance(choices, bool) and str(value).lower() not in YES_OR_NO:
        return f"{name} in your configuration of Cookiecutter is {value!r}; try true or false."
    if isinstance(choices, list) and value not in choices:
        quoted = ", ".join(map(json.dumps, choices))
        return f"{name} in your configuration of Cookiecutter is {value!r}; try one of {quoted}."
    return None


def problem(name, answer):
    """Return a sentence if ``answer`` to the question ``name`` is bad."""
    text = answer or ""  # it may be null in a file of answers
    if name == "project_slug":
        return slug_problem(text)
    if name == "author_email":
        return email_problem(text)
    if name in GOOD_ANSWERS:
        return text_problem(name, text)
    return None


def text_problem(name, text):
    example = GOOD_ANSWERS[name]
    if bad := [character for character in text if is_forbidden(character)]:
        return f"{name} {text!r} must not contain {describe(bad[0])}; try {example!r}."
    if marks := [mark for mark in TEMPLATE_MARKS if mark in text]:
        return f"{name} {text!r} must not contain {marks[0]!r}; try {example!r}."
    if not text.strip() and name == "project_name":
        return f"project_name is empty; try {example!r}."
    if text != text.strip():
        return f"{name} {text!r} must not begin or end with a space; try {example!r}."
    if width(text) > MAX_TEXT_WIDTH:
        return f"{name} {text!r} is wider than {MAX_TEXT_WIDTH} characters; try {example!r}."
    return None


def is_forbidden(character):
    if character in VISIBLE:
        return False
    return character in FORBIDDEN or unicodedata.category(character) in INVISIBLE


def describe(character):
    names = {'"': "a double quote", "\\": "a backslash", "{": "a brace", "}": "a brace"}
    if character in "\r\n\x0b\x0c\x85\u2028\u2029":
        return "a line break"
    return names.get(character, f"the character U+{ord(character):04X}")


def width(text):
    """Columns that ``text`` takes in an editor, or a few more."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def slug_problem(slug):
    # Of what Python takes for a name, only what every platform takes for one.
    is_name = slug.isascii() and slug.isidentifier() and slug.islower() and len(slug) > 1
    if not is_name or slug != slug.strip("_"):
        return (
            f"project_slug {slug!r} must be lowercase letters, digits and underscores, begin with a "
            "letter and end with a letter or digit; try 'my_site'."
        )
    if len(slug) > MAX_SLUG_LENGTH:
        return f"project_slug {slug!r} is longer than {MAX_SLUG_LENGTH} characters; try 'my_site'."
    suggestion = f"try 'my_{slug}'."
    if keyword.iskeyword(slug) or keyword.issoftkeyword(slug):
        return f"project_slug {slug!r} is a Python keyword; {suggestion}"
    if slug in sys.stdlib_module_names:
        return f"project_slug {slug!r} is a module of Python's standard library; {suggestion}"
    if slug in WINDOWS_DEVICE_NAMES:
        return f"project_slug {slug!r} cannot be a folder on Windows; {suggestion}"
    if slug in [*FOLDERS.split(), *PACKAGES.split()]:
        return f"project_slug {slug!r} is a package the project itself uses; {suggestion}"
    return None


def email_problem(email):
    if email and not EMAIL.fullmatch(email):
        return f"author_email {email!r} is not an email address; try 'ada@example.com'."
    return None
