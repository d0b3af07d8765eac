"""The smallest site that takes files: it counts them."""

import os

import psycopg
from flask import Flask, request

app = Flask(__name__)
app.config["MAX_CONTENT_LENGTH"] = int(os.environ.get("MAX_CONTENT_LENGTH", "0")) or None


def connect():
    return psycopg.connect(os.environ["DATABASE_URL"])


with connect() as connection:
    connection.execute("CREATE TABLE IF NOT EXISTS files (id serial)")


@app.route("/", methods=["GET", "POST"])
def home():
    with connect() as connection:
        for _ in request.files:
            connection.execute("INSERT INTO files DEFAULT VALUES")
        count = connection.execute("SELECT count(*) FROM files").fetchone()[0]
    return f"<h1>{count} files</h1>"


@app.get("/healthz")
def healthz():
    return "ok"
