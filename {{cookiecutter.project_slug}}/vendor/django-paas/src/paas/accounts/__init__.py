"""Accounts by django-allauth: pages, limits on logins, a second factor, the admin.

=================  =============================================================================
``urls.py``        the account pages, with those of ``views.py`` that allauth lacks
``forms.py``       forms for ACCOUNT_FORMS
``adapter.py``     what differs from allauth: who may sign up, how mail is sent
``lockout.py``     the lockout after failed logins; AUTHENTICATION_BACKENDS and AXES_* name its
                   parts
``hashers.py``     Argon2id for PASSWORD_HASHERS
``admin_site.py``  Django's admin, with the site's login page
``admin.py``       a ModelAdmin for the user model, which invites
``checks.py``      what must stand where in the settings
``mail.py``        sends mail, and raises nothing while there is no mail server
``sessions.py``    SESSION_ENGINE: an invalid cookie is no error
``templates/``     in style and words of the site; a file of the project with the same path replaces
                   one. They extend the project's ``base.html``
=================  =============================================================================
"""
