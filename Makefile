# The project's verbs, for the template itself.
.PHONY: run test check lock bench mutants pictures

# A project of the default answers, made anew in a temporary folder.
run: .venv/complete
	folder=$$(mktemp -d) && trap 'rm -r "$$folder"' EXIT && trap exit INT TERM && \
	.venv/bin/cookiecutter --no-input --output-dir "$$folder" . && \
	cd "$$folder"/* && echo "Installing it, which takes a minute ..." && \
	python3 -m venv .venv && . .venv/bin/activate && \
	pip install --quiet -r requirements-dev.txt && $(MAKE) run

test: .venv/complete
	.venv/bin/pytest

check: .venv/complete
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

lock: .venv/complete
	.venv/bin/python -m scripts.lock

# KEEP=1 writes docs/bench.md.
bench: .venv/complete
	.venv/bin/python -m scripts.bench $(if $(KEEP),--keep)

# KEEP=1 writes docs/mutants.md; SHARD=2/4 runs the second of four parts.
mutants: .venv/complete
	.venv/bin/python -m scripts.mutants $(if $(KEEP),--keep) $(if $(SHARD),--shard $(SHARD))

# The chart is of the last run of all tests. Each test file has a database of its own here: its users
# are on the pages.
pictures: .venv/complete
	.venv/bin/python -m scripts.questions
	.venv/bin/pytest tests/test_browser.py -k heroku-asgi-daphne --pictures
	.venv/bin/pytest tests/test_account_pages.py -k heroku-asgi-daphne --pictures

# README's command to bake makes an environment as well, with Cookiecutter alone.
.venv/complete: requirements.txt
	python3 -m venv .venv
	.venv/bin/pip install --quiet -r requirements.txt
	touch $@
