"""A NAS that lies on request: an independent stand-in for one TrueNAS of any release, 12.0 to 26.

It imports nothing of the product, so that a mistake there can't be mirrored here and go unseen. How
to run it: `./run mock --help`; what can go wrong on request: debug.py.

    web ─┬─ rest ──────────────┐
         ├─ legacy  ┐          ├─▶ middleware ─▶ system, auth, disks, pools, selftests, core
         └─ jsonrpc ┴ connection┘       │                          │
    shell ─▶ agent, smartctl            └─▶ jobs, events           └─▶ nas (drives, media) ─▶ smart

A method is written once, in the room of its service, with the releases that have it; a transport
knows none of them. What else differs between the releases is a table: releases.py.
"""
