"""A model with a file, in a project that was made without a bucket; its documents add one."""

import re
import shutil

import httpx
import pytest

from rehearse.platforms import PLATFORMS
from rehearse.services import free_port
from tests.harness.checkouts import Checkout
from tests.harness.combinations import by_name, for_combinations
from tests.harness.deployment import FILLED_IN, Deployment
from tests.harness.failures import errors, output_of_failed
from tests.harness.site import serve

ANSWERS = by_name("heroku-asgi-uvicorn", "digitalocean-wsgi-gunicorn")
each_platform = for_combinations(ANSWERS, apart="uploads")
one_project = for_combinations(ANSWERS[:1], apart="uploads")

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


@one_project
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


@each_platform
def test_bucket_is_added_as_the_document_says(
    owner, project, services, variables, empty_database, bucket, tmp_path
):
    owner.replace("photos/models.py", "FileField", "ImageField")
    owner.require(re.search(r"```toml\n.+\n((?: +\".+\n)+)", uploads(owner))[1])
    values = variables_to_set(owner)
    owner.run("rm photos/migrations/0001_*\npython manage.py makemigrations photos\nmake test")

    ignored = shutil.ignore_patterns(".env", "__pycache__", "db.sqlite3", "media")
    folder = shutil.copytree(owner.folder, tmp_path / "deployed", ignore=ignored)
    platform = PLATFORMS[project.answers["platform"]](folder)
    changes = variables | bucket.environment | values
    deployment = Deployment.make(platform, services, tmp_path.name, **changes)
    link = saved_url(deployment.run_script(SAVE))
    assert bucket.fetch(link).text == "A photo"
    with deployment.site() as site, site.visitor() as visitor:
        policy = visitor.get("/").headers["Content-Security-Policy"]
    assert link.partition("/photos/")[0] in policy

    unset = {name: "" for name in FILLED_IN if name.startswith("AWS_")}
    printed = output_of_failed("release", deployment, deployment.environment | unset)
    assert sorted(errors(printed)) == sorted(f"{name} is not set." for name in unset)
