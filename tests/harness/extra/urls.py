from config.urls import handler400, handler403, handler404, handler500
from django.http import HttpResponse
from django.urls import include, path, register_converter
from extra import async_views, streams, views

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

register_converter(views.FailingConverter, "failing")
urlpatterns = [
    # With Django's own handler, extra.stock, health checks are answered by a view only.
    path("healthz", lambda request: HttpResponse("ok")),
    path("extra/counts/", streams.count),
    path("extra/slow/", views.slow),
    path("extra/context/", views.context),
    path("extra/sleep-in-database/", views.sleep_in_database),
    path("extra/big/", views.big),
    path("extra/echo/", views.echo),
    path("extra/unresolvable/<failing:value>/", views.echo),
    path("extra/form/", views.form),
    path("extra/read/", views.read),
    path("extra/read-more/", views.read_more),
    path("extra/read-little/", views.read_little),
    path("extra/fail/", views.fail),
    *(path(f"extra/fail-slowly/{name}/", views.fail_slowly, {"name": name}) for name in "ab"),
    path("extra/fail-lookup/", views.fail_lookup),
    path("extra/fail-with-secrets/", views.fail_with_secrets),
    path("extra/reset/<uidb64>/<token>/", views.fail_with_secrets),
    path("extra/request-facts/", views.request_facts),
    path("extra/write-and-fail/", views.write_and_fail),
    path("extra/increment/", views.increment),
    path("extra/wait/", async_views.wait),
    path("extra/release/", async_views.release),
    path("extra/slow-async/", async_views.slow),
    path("extra/threads/", async_views.threads),
    path("extra/user-wait/", async_views.user_wait),
    path("extra/user-events/", async_views.user_events),
    path("extra/fail-async/", async_views.fail),
    *(path(f"extra/fail-slowly/{name}/", async_views.fail_slowly, {"name": name}) for name in "cd"),
    path("extra/fail-lookup-async/", async_views.fail_lookup),
    path("extra/events/", streams.events),
    path("extra/file/", streams.file),
    path("extra/rows/", streams.rows),
    path("extra/rows-from-database/", streams.rows_from_database),
    path("extra/rows-in-transaction/", streams.rows_in_transaction),
    path("extra/download/", streams.download),
    path("extra/download-async/", streams.download_async),
    path("extra/endless-async/", streams.endless_async),
    path("extra/fail-midway/", streams.fail),
    path("extra/fail-midway-async/", streams.fail_async),
    path("", include("config.urls")),
]
