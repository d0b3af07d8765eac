"""The rules for good answers; as a hook, refuse bad ones before a file is written.

Every sentence names the answer, what is wrong with it, and an example that works.
paas_questions.py reads this file as it stands, and applies the rules while the questions are asked.
The hook is for what that does not see: a folder with files in it, and ``--replay``.
"""

import json
import keyword
import os
import re
import sys
import unicodedata

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
EXAMPLES = {
    "project_name": "O'Brien & Sons",
    "description": "Books, bought and sold",
    "author_name": "Ada Lovelace",
}
EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`|~-]+@([a-z0-9-]+\.)+[a-z0-9-]+", re.ASCII | re.IGNORECASE)
# Longer names would be cut by the platforms' own limits, or wrap a line of the settings.
MAX_SLUG_LENGTH = 50
MAX_TEXT_WIDTH = 79
# What --overwrite-if-exists may meet. Cookiecutter replaces whole folders that it copies, with all
# that their user put there.
ALLOWED_EXISTING_FILES = {".git", ".gitignore", "LICENSE", "README.md"}
# What Windows takes for devices.
WINDOWS_DEVICE_NAMES = {"con", "prn", "aux", "nul"} | {
    f"{port}{n}" for port in ("com", "lpt") for n in range(10)
}
# Unicode categories of what cannot be seen, or reorders the text around it: controls, format
# characters, surrogates, unassigned and private ones, spaces but for " ", separators.
INVISIBLE = ("Cc", "Cf", "Cs", "Cn", "Co", "Zs", "Zl", "Zp")
# In them, but part of words and emoji: the space, ZWNJ and ZWJ.
VISIBLE = " \u200c\u200d"
# What templates and strings of files would misread, and letters without a form: Hangul fillers.
FORBIDDEN = '"\\{}\u115f\u1160\u3164\uffa0'
# Beginnings of blocks and comments in templates; this file is one too.
TEMPLATE_MARKS = ("<%", "\x3c#")


def problems(answers):
    """Return one sentence for every bad answer in ``answers``, a dict; none if all are good."""
    found = [problem(name, answer) for name, answer in answers.items()]
    return [sentence for sentence in found if sentence]


def problem(name, answer):
    """Return a sentence if ``answer`` to the question ``name`` is bad."""
    text = answer or ""  # it may be null in a file of answers
    if name == "project_slug":
        return slug_problem(text)
    if name == "author_email":
        return email_problem(text)
    if name in EXAMPLES:
        return text_problem(name, text)
    return None


def text_problem(name, text):
    example = EXAMPLES[name]
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


def folder_problem(slug, names):
    """``names`` are of what is in the project's folder before anything is written."""
    if lost := sorted(set(names) - ALLOWED_EXISTING_FILES):
        return (
            f"project_slug {slug!r} names a folder that holds {lost[0]!r} already, which could be lost;"
            f" try '{slug[: MAX_SLUG_LENGTH - 2]}_2', or `cruft update` for what is new in the template."
        )
    return None


def email_problem(email):
    if email and not EMAIL.fullmatch(email):
        return f"author_email {email!r} is not an e-mail address; try 'ada@example.com'."
    return None


if __name__ == "__main__":
    ANSWERS = json.loads(r"""{{ cookiecutter | tojson }}""")
    SENTENCES = problems(ANSWERS)
    if SENTENCE := folder_problem(ANSWERS["project_slug"], os.listdir()):
        SENTENCES.append(SENTENCE)
    if SENTENCES:
        print("\n".join(SENTENCES), file=sys.stderr)
        sys.exit(1)
