"""The smallest API with Redis: it counts its visits."""

import os

from fastapi import FastAPI
from redis import asyncio as redis

app = FastAPI()
# Heroku's certificate is self-signed.
client = redis.from_url(os.environ["REDIS_URL"], ssl_cert_reqs="none")


@app.get("/")
async def home():
    return {"visits": await client.incr("visits")}


@app.get("/items/{number}")
async def item(number: int):
    return {"number": number}
