"""Whatever stands in a project's files is read, or named in one sentence."""

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from rehearse import buildpack
from rehearse.buildpack import BuildFailed
from rehearse.platforms import PLATFORMS, CannotStart

EXAMPLES = int(os.environ.get("EXAMPLES", "50"))
NAMES = """
    addons as buildpacks databases engine env envs failure_threshold formation functions generator
    health_check http_path http_port instance_size_slug jobs key kind name plan required
    run_command scope services size source_dir spec static_sites type url value web workers
"""
FILES = ["Procfile", "app.json", ".do/app.yaml", "requirements.txt", "runtime.txt", "Pipfile.lock"]
WORDS = st.sampled_from(
    [*NAMES.split(), "PG", "..", "/", "python", "secret", "${db.DATABASE_URL}", "CHANGEME"]
)
LEAVES = st.none() | st.booleans() | st.integers(-1, 9) | WORDS | st.text(max_size=4)
VALUES = st.recursive(
    LEAVES,
    lambda one: st.lists(one, max_size=3) | st.dictionaries(WORDS, one, max_size=4),
    max_leaves=9,
)
TREES = VALUES.map(json.dumps)  # which is YAML too
LINES = st.lists(st.text("web: -#=\\'\"[]{}\t\r\0\u2028é\ufeff3.1", max_size=12)).map("\n".join)
TEXTS = (
    (TREES | LINES).map(str.encode)
    | st.binary(max_size=20)
    | LINES.map(lambda one: one.encode("utf-16"))
)


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True)
@given(st.dictionaries(st.sampled_from(FILES), TEXTS, min_size=1))
@example({".do/app.yaml": b"services: &a [*a]"})
@example({".do/app.yaml": b"spec: 2026-02-30"})
@example({"app.json": b"[" * 100_000})
def test_what_cannot_be_read_is_one_sentence(files):
    usual = {
        "Procfile": b"web: x",
        "requirements.txt": b"",
        ".do/app.yaml": b"services: [{name: x}]",
    }
    for one in PLATFORMS.values():
        with tempfile.TemporaryDirectory() as home:
            folder = Path(home)
            (folder / ".do").mkdir()
            for name, data in (usual | files).items():
                (folder / name).write_bytes(data)
            try:
                read(one(folder))
            except (CannotStart, BuildFailed) as reason:
                assert str(reason).strip()
                assert len(str(reason).splitlines()) == 1


def read(platform):
    platform.check()
    buildpack.check(platform.folder)
    with suppress(CannotStart):
        platform.check_blanks({})
    assert all(map(str.strip, platform.commands().values()))
    assert all(isinstance(one, str) for one in platform.build_environment().values())
    platform.services(), platform.untried(), platform.health_check(), platform.megabytes("web")
