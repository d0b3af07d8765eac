"""Small pages that every site has, and the context of its templates.

=========================  =====================================================================
``context_processors.py``  what templates may show of the settings
``urls.py``                robots.txt, security.txt, change-password, favicon.ico
``views.py``               these, and ``server_error`` for ``handler500``
``templates/``             400, 403, 403_csrf and 429; 404.html and 500.html are the project's
=========================  =====================================================================
"""
