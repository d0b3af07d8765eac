"""Example: a page that shows who is online, live. README.md has the steps that remove it.

To read in this order: ``signals.py`` and ``people.py`` (a login is sent to every open page),
``consumers.py`` (the WebSocket of a page), ``views.py`` (the page), ``static/presence.js``.
``paas.presence`` finds who is online.
"""
