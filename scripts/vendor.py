"""Refresh the vendored front-end files: `python scripts/vendor.py [name@version ...]`.

Each package is fetched with `npm pack` from whatever registry npm is set to, and only the files named here
are unpacked, with the licence, into static/vendor/<folder>/. The versions and the checksum of every file go
to static/vendor/vendor.json; where they came from does not.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

VENDOR = Path(__file__).resolve().parent.parent / "src/volunteer_hub/web/static/vendor"


@dataclass(frozen=True)
class Package:
    """`files` maps the path inside the package to the name it gets here."""

    folder: str
    version: str
    files: dict[str, str]


PACKAGES = {
    "htmx.org": Package(
        "htmx",
        "4.0.1",
        {
            "dist/htmx.min.js": "htmx.min.js",
            "dist/ext/hx-sse.min.js": "hx-sse.min.js",
            "LICENSE": "LICENSE",
        },
    ),
    "leaflet": Package(
        "leaflet",
        "1.9.4",
        {
            "dist/leaflet.js": "leaflet.js",
            "dist/leaflet.css": "leaflet.css",
            "dist/images/layers.png": "images/layers.png",
            "dist/images/layers-2x.png": "images/layers-2x.png",
            "dist/images/marker-icon.png": "images/marker-icon.png",
            "LICENSE": "LICENSE",
        },
    ),
}


def without_source_map(content: bytes) -> bytes:
    """Drop the trailing source map comment: the map is not shipped, and browsers would ask for it."""
    lines = content.rstrip().split(b"\n")
    if lines[-1].startswith((b"//# sourceMappingURL=", b"/*# sourceMappingURL=")):
        lines.pop()
    return b"\n".join(lines) + b"\n"


def fetch(name: str, version: str, package: Package) -> dict[str, str]:
    """Unpack the chosen files of one package; return file name -> sha256."""
    sums: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", "--pack-destination", folder, f"{name}@{version}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        archive = next(Path(folder).glob("*.tgz"))
        with tarfile.open(archive) as tar:
            for inside, here in package.files.items():
                member = tar.extractfile(f"package/{inside}")
                if member is None:
                    raise SystemExit(f"{name}@{version}: {inside} is not a file")
                content = member.read()
                if here.endswith((".js", ".css")):
                    content = without_source_map(content)
                target = VENDOR / package.folder / here
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content)
                sums[f"{package.folder}/{here}"] = hashlib.sha256(content).hexdigest()
    return sums


def main(wanted: list[str]) -> None:
    chosen = dict(spec.rsplit("@", 1) for spec in wanted)
    unknown = chosen.keys() - PACKAGES.keys()
    if unknown:
        raise SystemExit(f"not a vendored package: {', '.join(sorted(unknown))}")
    record: dict[str, dict[str, object]] = {}
    for name, package in PACKAGES.items():
        version = chosen.get(name, package.version)
        record[name] = {"version": version, "sha256": fetch(name, version, package)}
    (VENDOR / "vendor.json").write_text(json.dumps(record, indent=2) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
