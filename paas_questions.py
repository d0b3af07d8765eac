"""Ask each question until the answer is good, and refuse bad answers before a file is written.

A local extension of Cookiecutter, named by ``_extensions`` in cookiecutter.json; cruft loads it as
well. hooks/pre_gen_project.py has the rules. Never rename the filters: ``cruft update`` imports this
module once, and renders cookiecutter.json of the old version and of the new one with it.
"""

import difflib
import inspect
import json
import logging
import runpy
import sys
from pathlib import Path

import click
from cookiecutter import prompt
from cookiecutter.exceptions import FailedHookException
from jinja2.ext import Extension

ROOT = Path(__file__).resolve().parent
# Cookiecutter's own, which are replaced while the questions of this template are asked.
ORIGINALS: dict = {}


class Questions(Extension):
    def __init__(self, environment):
        super().__init__(environment)
        environment.filters["begin_questions"] = begin_questions
        environment.filters["end_questions"] = end_questions
        logging.getLogger("cookiecutter.hooks").addFilter(without_traceback)


def begin_questions(answers):
    """``answers`` is Cookiecutter's own dict: it holds what has been answered so far."""
    refuse(unknown_names())
    labels = ["prompts", "prefix"]
    replace("read_user_variable", ["var_name", "default_value", *labels], ask_until_good, answers)
    replace("read_user_choice", ["var_name", "options", *labels], ask_with_prices, answers)
    replace("read_user_yes_no", ["var_name", "default_value", *labels], ask_with_prices, answers)
    replace("render_variable", ["env", "raw", "cookiecutter_dict"], render_defaults, answers)
    return ""


def end_questions(answers):
    for name, read in ORIGINALS.items():
        setattr(prompt, name, read)
    refuse(rules()["problems"](answers))
    return ""


def replace(name, parameters, wrapper, answers):
    """Replace a function of Cookiecutter, which is internal, if it is still as we know it.

    If it is not, Cookiecutter asks as ever, and bad answers are refused after the last question.
    """
    read = ORIGINALS.get(name) or getattr(prompt, name, None)
    if read and [*inspect.signature(read).parameters] == parameters:
        ORIGINALS[name] = read
        setattr(prompt, name, wrapper(read, answers))


def render_defaults(render, answers):
    """Render only what cookiecutter.json has, and keep given answers as they are, to be refused."""
    ours = list(defaults().values())

    def render_default(env, raw, cookiecutter_dict):
        is_given = isinstance(raw, str) and raw not in ours
        if is_given and cookiecutter_dict is answers:
            return raw
        return render(env, raw, cookiecutter_dict)

    return render_default


def ask_until_good(read, answers):
    def read_good(var_name, default_value, prompts=None, prefix=""):
        while True:
            # rich shows an empty string as "()", and a default that is no string not at all.
            answer = read(var_name, default_value or (), prompts, prefix) or ""
            sentence = rules()["problem"](var_name, answer) or existing_folder(var_name, answer)
            if not sentence:
                return answer
            print(printable(sentence))

    return read_good


def ask_with_prices(read, answers):
    def read_priced(var_name, default, prompts=None, prefix=""):
        prompts = prompts or {}
        prices = prompts.get("__prices__", {}).get(answers.get("platform"), {})
        return read(var_name, default, with_prices(prompts, prices), prefix)

    return read_priced


def with_prices(label, prices, name=""):
    """Append prices to the labels of questions and choices, as in "Daphne (needs Redis, ...)"."""
    if isinstance(label, dict):
        return {key: with_prices(text, prices, key) for key, text in label.items()}
    return f"{label} ({prices[name]})" if name in prices else label


def defaults():
    """The content of cookiecutter.json, read each time, as the rules are."""
    return json.loads((ROOT / "cookiecutter.json").read_text(encoding="utf-8"))


def rules():
    """The names in the hook, read each time: ``cruft update`` puts the new version's in its place."""
    return runpy.run_path(str(ROOT / "hooks/pre_gen_project.py"))


def command_line():
    """Cookiecutter's options, if it runs as a command; cruft does not let us see its own."""
    context = click.get_current_context(silent=True)
    return context.params if context else {}


def unknown_names():
    """A sentence for each NAME=ANSWER on the command line which Cookiecutter would ignore."""
    names = list(defaults())
    questions = [name for name in names if not name.startswith("_")]
    given = command_line().get("extra_context")
    return [
        f"{name} is not a question; try {closest(name, questions)!r}."
        for name in (given if isinstance(given, dict) else {})
        if name not in names
    ]


def closest(name, names):
    return (difflib.get_close_matches(name, names, n=1, cutoff=0) or names)[0]


def existing_folder(name, slug):
    """A sentence if the folder exists, which Cookiecutter would report after the last question."""
    options = command_line()
    if name != "project_slug" or options.get("overwrite_if_exists", True):
        return None
    folder = Path(options.get("output_dir", "."), slug)
    if not folder.exists():
        return None
    return f"project_slug {slug!r}: {folder} is there already; try '{slug[:48]}_2'."


def refuse(sentences):
    """Cookiecutter prints these and exits 1; in cruft's traceback they come last."""
    if sentences:
        raise FailedHookException(printable("\n".join(sentences)))


def printable(text):
    """``text`` without the letters that the console lacks."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def without_traceback(record):
    """Drop the traceback of a failed hook from the log: the hook has printed its own sentences."""
    record.exc_info = None
    return True
