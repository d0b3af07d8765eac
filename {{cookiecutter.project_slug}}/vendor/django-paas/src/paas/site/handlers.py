"""Error views, for ``from paas.site.handlers import ...`` in the URLconf.

https://docs.djangoproject.com/en/stable/ref/urls/#handler400
"""

handler400 = "paas.site.views.bad_request"
handler403 = "paas.site.views.permission_denied"
handler404 = "paas.site.views.page_not_found"
handler500 = "paas.site.views.server_error"
