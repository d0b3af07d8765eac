"""Health checks, headers, static files, and small pages that every site has.

=========================  =====================================================================
``context_processors.py``  what templates may show of the settings
``headers.py``             security headers that Django has no setting for
``health.py``              /healthz and /readyz
``middleware.py``          static files, and a base class for middleware that never waits
``urls.py``                robots.txt, security.txt, change-password, favicon.ico
``views.py``               these, and the error pages
``handlers.py``            ``handler400`` to ``handler500``, for the URLconf
``templates/``             error pages; a file of the project with the same name wins
=========================  =====================================================================
"""
