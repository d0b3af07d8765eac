"""Hypothesis strategies for answers: valid ones, and invalid ones."""

from typing import Final

from hypothesis import strategies as st

from tests.harness.combinations import CHOICES, QUESTIONS

# Words with a meaning in YAML, TOML, JSON, Markdown, HTML, Jinja, Python, Ruff or a shell, words
# written from right to left, and characters of several code points.
AWKWARD_WORDS = """
    ''' ' # #> %> endif <!-- --> & &amp; &#39; < > </h1> </title> <b> <script> * ** _
    __ ` ``` ~~~ ~~ - -- --- + +++ = === | || ! ![ [a](b) [a]: [ ] ( ) 1. 1) ; : :: , . .. ... / //
    ? ?? @ @x % %s %(x)s ^ ~ $ $$ $PORT $x $(ls) >&2 && true True false null None yes no on off 0 0x1
    1e3 .inf .nan 1_000 2026-01-01 12:30:45 0.0.0.0 /tmp/x /dev/shm C:/ file:// :tada: #1 #noqa
    O'Brien Smith&Co Ålesund søk Renée e\u0301 ﬁ ß İ ﷺ حجز المواعيد שלום ३ ١ 你好 日本語 한국어 ไทย
    🎉 👩‍👩‍👧 🇳🇴 ❤️ 𝔘 \u200d
"""
AWKWARD = [": ", " #", "- ", "a  b"]
AWKWARD += AWKWARD_WORDS.split()
SLUGS = "ab my_site true false null none yes no on off nan inf e1 x0 a__b web db release"

# Characters that no text may hold: syntax of Python, TOML and JSON, and invisible characters.
MARKS = '"\\{}\u115f\u1160\u3164\uffa0'
NO_TEXT: Final = ("Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp", "Zs")
VISIBLE = " \u200c\u200d"
good_characters = st.characters(
    exclude_categories=NO_TEXT, exclude_characters=MARKS, include_characters=VISIBLE
)
invisible_characters = st.characters(categories=NO_TEXT, exclude_characters=VISIBLE)
bad_characters = st.sampled_from([*MARKS, "<%", "<#"]) | invisible_characters


def joined(characters: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Awkward words and others of these characters: at most 39 characters, so 78 columns."""
    parts = st.lists(st.sampled_from(AWKWARD) | st.text(characters, max_size=8))
    lines = st.builds(str.join, st.sampled_from(["", " "]), parts)
    return lines.map(lambda line: line[:39].strip())


def spoiled(good: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Good text with a bad character somewhere in it."""
    places = st.integers(0, 40)
    return st.builds(
        lambda text, bad, at: text[:at] + bad + text[at:], good, bad_characters, places
    )


good_texts = joined(good_characters).map(lambda text: text.replace("<%", "%").replace("<#", "#"))
good_names = good_texts.filter(bool)
good_slugs = st.sampled_from([*SLUGS.split(), "a" * 50]) | st.from_regex(
    r"[a-z]{1,9}_[a-z0-9_]{0,38}[a-z0-9]", fullmatch=True
)
good_emails = st.emails().filter(lambda email: not set(email) & set(MARKS))
good_answers = st.fixed_dictionaries(
    {
        "project_name": good_names,
        "project_slug": good_slugs,
        "description": good_texts,
        "author_name": good_texts,
        "author_email": st.just("") | good_emails,
        "python_version": st.sampled_from(QUESTIONS["python_version"]),
        **{name: st.sampled_from(values) for name, values in CHOICES.items()},
    }
)

bad_values = {
    "project_name": spoiled(good_names) | st.sampled_from(["", " ", " x", "x ", "x" * 80]),
    "project_slug": spoiled(good_slugs) | good_slugs.map(lambda slug: slug[:-1] + "_"),
    "description": spoiled(good_texts),
    "author_name": spoiled(good_texts),
    "author_email": spoiled(good_emails),
}
# The name of an answer, and the bad value.
bad_answers = st.one_of(*(st.tuples(st.just(name), some) for name, some in bad_values.items()))
