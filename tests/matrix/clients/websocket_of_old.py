"""Run with others' aiotruenas-client: what it makes of the NAS at HOST:PORT, as JSON."""

import asyncio
import json
import sys

from aiotruenas_client import CachingMachine


async def main(host: str) -> None:
    machine = await CachingMachine.create(host, api_key="mock-key", secure=False)
    disks = await machine.get_disks(include_temperature=True)
    pools = await machine.get_pools()
    told = {
        "disks": {one.name: [one.serial, one.size, one.temperature] for one in disks},
        "pools": {one.name: [one.status.name, len(one.topology["data"])] for one in pools},
    }
    print(json.dumps(told))
    await machine.close()


asyncio.run(main(sys.argv[1]))
