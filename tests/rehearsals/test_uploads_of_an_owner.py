"""A model with a file, in a project that was made without a bucket; its documents add one."""

import re
import shutil

import httpx
import pytest

from rehearse.platforms import PLATFORMS
from rehearse.services import free_port
from tests.harness.checkouts import Checkout
from tests.harness.combinations import by_name, for_combinations
from tests.harness.deployment import FILLED_IN, Deployment, owners_variables
from tests.harness.failures import errors, output_of_failed
from tests.harness.site import serve

pytestmark = for_combinations(
    by_name("heroku-asgi-uvicorn", "digitalocean-wsgi-gunicorn"), apart="uploads"
)

MODEL = """

class Photo(models.Model):
    image = models.FileField(upload_to="photos")

    def __str__(self):
        return self.image.name
"""
SAVE = """
from django.core.files.base import ContentFile
from photos.models import Photo
photo = Photo()
photo.image.save("a.txt", ContentFile(b"A photo"))
print("url:" + photo.image.url)
"""
NO_BUCKET = "photos.Photo.image has no bucket: the platform deletes local files at each restart."


@pytest.fixture
def owner(developer) -> Checkout:
    """The developer of a project with an app, by README.md, whose model has a file."""
    developer.run("python manage.py startapp photos")
    developer.replace("config/settings.py", '    "users",\n', '    "photos",\n    "users",\n')
    developer.write("photos/models.py", f"from django.db import models\n{MODEL}")
    developer.run("python manage.py makemigrations photos\npython manage.py migrate")
    return developer


def saved_url(printed: str) -> str:
    """The URL of the file that SAVE saved."""
    return re.search(r"^url:(.+)$", printed, re.MULTILINE)[1]


def test_development_serves_uploads_and_git_ignores_them(owner):
    path = saved_url(owner.run_script(SAVE))
    assert path.startswith("/media/photos/")
    assert (owner.folder / path.lstrip("/")).read_text() == "A photo"
    for command in ("python manage.py runserver --noreload {}", "make prod ADDRESS={}"):
        address = f"127.0.0.1:{free_port()}"
        with serve(command.format(address), address, owner.folder, owner.environment) as url:
            assert httpx.get(f"{url}{path}").text == "A photo"
    owner.run("touch uv.lock\ngit init --quiet\ngit add --all")
    staged = owner.run("git ls-files").split()
    assert "manage.py" in staged
    assert not [name for name in staged if name.startswith("media") or name == "uv.lock"]


def uploads(owner: Checkout) -> str:
    """The section of docs/operations.md."""
    return owner.read("docs/operations.md").partition("\n## Uploads\n")[2].partition("\n## ")[0]


def variables_to_set(owner: Checkout) -> dict[str, str]:
    """The variables of the third step, filled in; on App Platform they go to the app spec."""
    spec = re.search(r"```yaml\n +envs:\n(.+?)^ +```", uploads(owner), re.MULTILINE | re.DOTALL)
    if spec:
        owner.replace(".do/app.yaml", "\nenvs:\n", "\nenvs:\n" + spec[1].replace("     -", "  -"))
        return {}
    return {name: FILLED_IN[name] for name in re.findall(r"(AWS_\w+)=", uploads(owner))}


@pytest.fixture
def build(owner, project, services, variables, empty_database, tmp_path):
    """A function that builds the owner's project as it is now, in a folder of that name."""
    ignored = shutil.ignore_patterns(".env", "__pycache__", "db.sqlite3", "media")

    def make(name: str, **changes: str) -> Deployment:
        folder = shutil.copytree(owner.folder, tmp_path / name, ignore=ignored)
        platform = PLATFORMS[project.answers["platform"]](folder)
        platform.build()
        environment = platform.environment(services, tmp_path.name, owners_variables(platform))
        return Deployment(platform, environment | variables | changes, "")

    return make


def test_release_needs_a_bucket_which_the_document_adds(owner, build, bucket):
    without = build("without")
    printed = output_of_failed("release", without, without.environment)
    assert errors(printed) == [NO_BUCKET]
    assert 'add "django-paas[s3]" to the dependencies' in printed

    owner.replace("photos/models.py", "FileField", "ImageField")
    owner.require(re.search(r"```toml\n.+\n((?: +\".+\n)+)", uploads(owner))[1])
    values = variables_to_set(owner)
    owner.run("rm photos/migrations/0001_*\npython manage.py makemigrations photos")
    owner.run("make fix check test")
    deployment = build("with", **bucket.environment, **values)
    unset = {name: "" for name in FILLED_IN if name.startswith("AWS_")}
    printed = output_of_failed("release", deployment, deployment.environment | unset)
    assert sorted(errors(printed)) == sorted(f"{name} is not set." for name in unset)
    deployment.run(deployment.platform.command("release"))
    link = saved_url(deployment.run_script(SAVE))
    assert bucket.fetch(link).text == "A photo"
    with deployment.site() as site, site.visitor() as visitor:
        policy = visitor.get("/").headers["Content-Security-Policy"]
    assert link.partition("/photos/")[0] in policy
