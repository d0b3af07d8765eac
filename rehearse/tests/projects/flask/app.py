"""The smallest site with a database: it counts its visits."""

import os

import psycopg
from flask import Flask

app = Flask(__name__)
COUNT = "INSERT INTO visits DEFAULT VALUES RETURNING id"


@app.get("/")
def home():
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS visits (id serial)")
        number = connection.execute(COUNT).fetchone()[0]
    return f"<h1>Visit {number}</h1><a href='/about'>About</a>"


@app.get("/about")
def about():
    return "<h1>A counter</h1>"
