"""Run with others' pytruenas: what it makes of the NAS at HOST:PORT by JSON-RPC, as JSON."""

import json
import sys

from pytruenas import APIKeyAuth, ClientException, TrueNASClient, ValidationErrors


def refused(call: object, *params: object) -> object:
    try:
        return call(*params)  # type: ignore[operator]
    except ValidationErrors as error:
        return ["invalid", [attribute for attribute, *_ in error.errors]]
    except ClientException as error:
        return [error.errno, error.error]


def main(host: str) -> None:
    nas = TrueNASClient(f"ws://{host}/api/current", autologin=False)
    nas.login(APIKeyAuth("1-" + "mock" * 16, "root"), login_ex=True)
    api = nas.api
    disks = api.disk.query(
        [], {"order_by": ["-size", "name"], "select": ["name", "serial", "size"]}
    )
    seen = []
    with nas.conn.subscribe("core.get_jobs", lambda event: seen.append(event.fields["state"])):
        found = nas.wait(api.pool.import_find(), timeout=30)
    told = {
        "disks": {one["name"]: one["serial"] for one in disks},
        "first": disks[0]["name"],
        "members": sorted(
            one["name"]
            for one in api.disk.query([["pool", "!=", None]], {"extra": {"pools": True}})
        ),
        "count": api.disk.query([["type", "=", "HDD"]], {"count": True}),
        "pools": {one["name"]: one["status"] for one in api.pool.query()},
        "version": api.system.info()["version"],
        "found": found,
        "seen": seen,
        "invalid": refused(api.disk.query, [], {"sort": ["name"]}),
        "nothing": refused(api.disk.query, [["name", "=", "nosuch"]], {"get": True}),
        "missing": refused(api.no.such),
    }
    nas.close()
    print(json.dumps(told))


main(sys.argv[1])
