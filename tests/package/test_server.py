"""The web process and its deploy checks, with the command in the README."""

from example.production import ENVIRONMENT, web_command
from paas.checks import production
from paas.testing.server import START_TIMEOUT, Server


def test_it_ends_if_the_application_cannot_be_imported(tmp_path):
    command = web_command("example.nowhere")
    with Server(command, tmp_path / "log", ENVIRONMENT) as server:
        assert server.process.wait(START_TIMEOUT) > 0
        assert "example.nowhere" in server.log.read_text()


def test_an_application_that_cannot_be_imported_is_a_deploy_error(configure, settings):
    configure()
    settings.ASGI_APPLICATION = settings.WSGI_APPLICATION = "example.nowhere.application"
    [error] = production.check_application()
    assert error.id == "paas.E012"
    assert "No module named 'example.nowhere'" in error.msg


def test_an_application_without_the_parts_of_the_package_is_a_warning(
    configure, settings, monkeypatch
):
    """As one that was copied from a tutorial: limits and SIGTERM would be gone, silently."""
    configure()
    assert production.check_application() == []
    monkeypatch.setattr(production, "APPLICATION_PARTS", set())
    handler = "ASGIHandler" if settings.IS_ASGI else "WSGIHandler"
    missing = sorted([handler, "GracefulShutdown"])
    warnings = production.check_application()
    assert [warning.id for warning in warnings] == ["paas.W001"] * 2
    for part, warning in zip(missing, warnings, strict=True):
        assert f" no {part} of paas" in warning.msg
