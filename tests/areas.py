"""A small tree of jurisdictions for tests of columns that only need areas to point at."""

from sqlmodel import text

from volunteer_hub.core.columns import uuid7
from volunteer_hub.core.db import Tx

AREAS = {
    "city": ("/1/", None, "city", "DQ", "Daqing", "大庆市"),
    "sartu": ("/1/2/", 1, "district", "DQ-ST", "Sartu", "萨尔图区"),
    "dongfeng": ("/1/2/3/", 2, "community", "DQ-ST-001", "Dongfeng", "东风社区"),
    "datong": ("/1/4/", 1, "district", "DQ-DT", "Datong", "大同区"),
    "kaifa": ("/1/4/5/", 4, "community", "DQ-DT-001", "Kaifa", "开发社区"),
}


def plant(tx: Tx) -> dict[str, str]:
    """Makes the five areas and returns name -> path."""
    statement = text(
        "INSERT INTO jurisdictions "
        "(id, public_id, parent_id, path, code, kind, name, zone, lat, lon, residents) "
        "OVERRIDING SYSTEM VALUE VALUES (:id, :public, :parent, :path, :code, :kind, "
        "jsonb_build_object('en', CAST(:en AS text), 'zh', CAST(:zh AS text)), "
        "'Asia/Shanghai', 46.59, 125.10, 1000)"
    )
    for number, (path, parent, kind, code, en, zh) in enumerate(AREAS.values(), start=1):
        row = {"id": number, "public": uuid7(), "parent": parent, "path": path, "code": code, "kind": kind}
        tx.execute(statement, {**row, "en": en, "zh": zh})
    # Ids above these, so that a node added later does not meet one of them.
    tx.execute(text("SELECT setval(pg_get_serial_sequence('jurisdictions', 'id'), 1000)"))
    return {name: values[0] for name, values in AREAS.items()}
