"""What must hold in any database of ours at any time, whatever happened to the processes."""

from sqlmodel import text

from volunteer_hub.audit import trail
from volunteer_hub.core.db import Tx

_PLACED = "('accepted', 'on_site', 'done')"
_HOLDING = "('accepted', 'on_site')"
FAULTS = {
    "slots over their maximum": f"""
        SELECT count(*) FROM slot_fills f WHERE f.maximum <
          (SELECT count(*) FROM offers o WHERE (o.slot_id, o.callout_id) = (f.slot_id, f.callout_id)
             AND o.state IN {_PLACED})""",
    "slots counted wrong": f"""
        SELECT count(*) FROM slot_fills f WHERE f.filled <>
          (SELECT count(*) FROM offers o WHERE (o.slot_id, o.callout_id) = (f.slot_id, f.callout_id)
             AND o.state IN {_PLACED})""",
    "people promised twice": f"""
        SELECT count(*) FROM offers a JOIN offers b ON a.volunteer_id = b.volunteer_id AND a.id < b.id
          AND a.during && b.during WHERE a.state IN {_HOLDING} AND b.state IN {_HOLDING}""",
    "answers recorded twice": """
        SELECT count(*) FROM (SELECT offer_id FROM answer_events WHERE kind = 'accept'
          GROUP BY offer_id HAVING count(*) > 1) twice""",
    "places without a duty": f"""
        SELECT count(*) FROM offers o WHERE o.state IN {_PLACED}
          AND NOT EXISTS (SELECT FROM duties d WHERE d.offer_id = o.id)""",
    "duties out of step": """
        SELECT count(*) FROM duties d JOIN offers o ON o.id = d.offer_id
          WHERE (o.state = 'done') <> (d.state = 'done') OR (o.state = 'on_site') <> (d.state = 'on_site')""",
    "transfers that do not add up": """
        SELECT count(*) FROM (SELECT transfer_id FROM ledger_entries GROUP BY transfer_id
          HAVING sum(points) <> 0) crooked""",
    "sum of the ledger": "SELECT coalesce(abs(sum(points)), 0) FROM ledger_entries",
    "duties paid twice": """
        SELECT count(*) FROM (SELECT source FROM ledger_entries WHERE kind = 'duty'
          GROUP BY source HAVING count(DISTINCT transfer_id) > 1) twice""",
    "duties done without hours": """
        SELECT count(*) FROM duties d WHERE d.state = 'done'
          AND NOT EXISTS (SELECT FROM service_hours h WHERE h.duty_id = d.id)""",
    "duties paid but not done": """
        SELECT count(*) FROM ledger_entries e WHERE e.kind = 'duty' AND NOT EXISTS
          (SELECT FROM duties d WHERE 'duty:' || d.id = e.source AND d.state = 'done')""",
    "answers without a line in the trail": """
        SELECT count(*) FROM answer_events a WHERE NOT EXISTS (SELECT FROM audit_lines l
          WHERE l.table_name = 'answer_events' AND l.row_id = a.id::text)""",
    "offers nobody was told of": """
        SELECT count(*) FROM offers o WHERE o.state <> 'queued' AND NOT EXISTS
          (SELECT FROM messages m WHERE m.subject_kind = 'offer' AND m.subject_id = o.id)""",
}


def broken(tx: Tx) -> dict[str, int]:
    """What does not hold, and how often; empty when all is well."""
    counted = {name: int(tx.execute(text(query)).scalar_one()) for name, query in FAULTS.items()}
    verdict = trail.verify(tx)
    counted["broken links of the trail"] = 0 if verdict.sound else 1
    return {name: count for name, count in counted.items() if count}
