"""`./run bench surface [OPTION…]`: the surface engine beside badblocks.

`./run bench eta`: how far off the time left is. `./run bench pages`: the home page.
"""

from __future__ import annotations

import sys

from . import eta, pages, surface

BENCHES = {"surface": surface.main, "eta": eta.main, "pages": pages.main}


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in BENCHES:
        print(f"usage: ./run bench {'|'.join(BENCHES)} [--help]", file=sys.stderr)
        return 2
    return BENCHES[arguments[0]](arguments[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
