# The make targets of a project, for the template itself.
.PHONY: run test check fix lock rehearsal upstream rehearse bench pictures

# A project of the default answers, made anew in a temporary folder.
run: .venv/complete
	folder=$$(mktemp -d) && trap 'rm -r "$$folder"' EXIT && trap exit INT TERM && \
	.venv/bin/cookiecutter --no-input --output-dir "$$folder" . && \
	cd "$$folder"/* && echo "Installing it, which takes a minute ..." && \
	python3 -m venv .venv && . .venv/bin/activate && \
	pip install --quiet -r requirements-dev.txt && $(MAKE) run

test: .venv/complete
	.venv/bin/pytest

rehearsal: .venv/complete
	.venv/bin/pytest -m rehearsal

# The reports of docs/upstream.md, and upstream projects' own tests with our classes in place.
upstream: .venv/complete
	.venv/bin/pytest -m rehearsal tests/rehearsals/test_upstream.py

# A project of the default answers, deployed on this machine: FLAGS="--html report.html".
rehearse: .venv/complete
	folder=$$(mktemp -d) && trap 'rm -r "$$folder"' EXIT && trap exit INT TERM && \
	.venv/bin/cookiecutter --no-input --output-dir "$$folder" . >/dev/null && \
	.venv/bin/python -m rehearse "$$folder"/* $(FLAGS)

# A project's configuration leaves out vendor/.
SOURCE = . "{{cookiecutter.project_slug}}/vendor/django-paas"
check: .venv/complete
	.venv/bin/ruff check $(SOURCE)
	.venv/bin/ruff format --check $(SOURCE)
	.venv/bin/mypy

fix: .venv/complete
	.venv/bin/ruff check --fix $(SOURCE)
	.venv/bin/ruff format $(SOURCE)

lock: .venv/complete
	.venv/bin/python -m scripts.lock

# KEEP=1 writes docs/bench.md.
bench: .venv/complete
	.venv/bin/python -m scripts.bench $(if $(KEEP),--keep)

# A page shows all users of its run, so presence.png comes from a run of one file.
PICTURES = .venv/bin/pytest -m "" -k heroku-asgi-uvicorn --pictures
pictures: .venv/complete
	.venv/bin/python -m scripts.pictures
	$(PICTURES) tests/features/test_browser.py
	$(PICTURES) tests/rehearsals/test_pages_in_browser.py tests/rehearsals/test_account_pages.py

# Not .venv itself: README's command to bake makes one too, with Cookiecutter alone.
.venv/complete: requirements.txt
	python3 -m venv .venv
	.venv/bin/pip install --quiet -r requirements.txt
	touch $@
