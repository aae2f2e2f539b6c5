"""Run with others' truenaspy: what it makes of the NAS at HOST:PORT by REST, as JSON."""

import asyncio
import json
import sys

from aiohttp import ClientSession


async def main(host: str) -> None:
    from truenaspy import AuthenticationFailed, NotFoundError, TruenasClient  # wants a loop

    async with ClientSession() as session:
        nas = TruenasClient(host, "mock-key", session)
        disks, pools = await nas.async_get_disks(), await nas.async_get_pools()
        told = {
            "disks": {one["name"]: [one["serial"], one["temperature"]] for one in disks},
            "pools": {one["name"]: one["status"] for one in pools},
            "version": (await nas.async_get_system())["version"],
            "services": [one["service"] for one in await nas.async_get_services()],
            "alerts": await nas.async_get_alerts(),
            "self_tests": [one["name"] for one in await nas.async_get_smartdisks()],
        }
        stranger = TruenasClient(host, "1-wrong", session)
        for name, client, path in (("key", stranger, "disk"), ("path", nas, "no/such")):
            try:
                await client.async_request(path)
            except (AuthenticationFailed, NotFoundError) as error:
                told[name] = type(error).__name__
    print(json.dumps(told))


asyncio.run(main(sys.argv[1]))
