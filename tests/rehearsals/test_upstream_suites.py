"""Tests of upstream projects pass with our classes in the place of theirs, as they do without.

They are in the source distributions of the locked versions.
"""

import re
import shutil
import subprocess
import sys
import tarfile
from functools import cache
from pathlib import Path

import pytest

from rehearse.processes import bare_environment, run
from tests.harness.combinations import PACKAGE
from tests.harness.locked import locked

SUITES = Path(__file__).with_name("suites")
stock_and_ours = pytest.mark.parametrize("whose", ["stock", "ours"])


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A function of a package's name, which returns the folder of its source."""
    return cache(lambda name: download(name, tmp_path_factory.mktemp(name)))


def download(name: str, folder: Path) -> Path:
    """Download the source of the package's locked version, and return its folder."""
    [version] = [line for line in locked() if line.startswith(f"{name}==")]
    options = ["--quiet", "--no-deps", "--no-binary=:all:", f"--dest={folder}"]
    subprocess.run([sys.executable, "-m", "pip", "download", *options, version], check=True)
    [archive] = folder.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


@pytest.fixture
def count(locked_programs, tmp_path, report, request):
    """A function that runs a command, and reports how many tests have passed."""
    path = {"PYTHONPATH": f"{PACKAGE / 'src'}:{SUITES}", "PYTHONDONTWRITEBYTECODE": "1"}
    environment = bare_environment(locked_programs, tmp_path) | path

    def run_and_count(command: str, folder: Path, **variables: str) -> None:
        printed = run(command, folder, environment | variables)
        passed = re.search(r"Ran (\d+) tests|(\d+) passed", printed)
        report(request.node.name, passed[1] or passed[2])

    return run_and_count


@pytest.mark.xdist_group("suites of Django")
@stock_and_ours
@pytest.mark.parametrize(
    "suite", ["asgi", "handlers", "requests_tests", "async", "signals", "middleware"]
)
def test_django(suite, whose, source, count):
    script = "runtests.py" if whose == "stock" else f"{SUITES / 'our_handler.py'} runtests.py"
    count(f"python {script} --parallel=1 {suite}", source("django") / "tests")


@pytest.mark.xdist_group("suite of channels_redis")
@stock_and_ours
def test_channels_redis(whose, source, services, count):
    folder, url = source("channels-redis"), services.valkey.url()
    test = folder / "tests/test_pubsub.py"
    test.write_text(test.read_text().replace("redis://localhost:6379", url))
    plugin = "" if whose == "stock" else "-p our_layer"
    count(f"python -m pytest {plugin} {test}", folder, REDIS_URL=url)


MIDDLEWARE = {
    "stock": "whitenoise.middleware.WhiteNoiseMiddleware",
    "ours": "paas.site.middleware.StaticFilesMiddleware",
}


@pytest.mark.xdist_group("suite of WhiteNoise")
@stock_and_ours
def test_whitenoise(whose, source, count):
    folder = source("whitenoise")
    shutil.copytree(SUITES / "for_whitenoise", folder / "tests", dirs_exist_ok=True)
    settings = {"DJANGO_SETTINGS_MODULE": "tests.django_settings"}
    settings["STATIC_FILES_MIDDLEWARE"] = MIDDLEWARE[whose]
    count("python -m pytest tests/test_django_whitenoise.py", folder, **settings)
