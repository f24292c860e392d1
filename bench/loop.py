"""The event loop of the bench's own ends: uvloop's, so that they stay out of the way."""

import asyncio

import uvloop


def new_loop() -> asyncio.AbstractEventLoop:
    loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
    return loop
