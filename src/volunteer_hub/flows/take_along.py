"""All that is held about a person, for them to take along."""

from typing import Any, Final

from volunteer_hub.boards import badges
from volunteer_hub.core.db import Tx
from volunteer_hub.feedback import evaluations
from volunteer_hub.incentives import certificates, deductions, gifts, queries, rewards
from volunteer_hub.notify import notes, replies
from volunteer_hub.training import own as training
from volunteer_hub.volunteers import own, registry

_MOST: Final = 100_000
_ENTRY: Final = {"at", "points", "kind", "source", "reason", "rule_version", "grade", "lines"}
_DEDUCTED: Final = {"points", "kind", "reason", "at", "appeal_until", "state", "appeal", "decision"}
_GIFT: Final = {"points", "at", "state", "reason"}
_TAKEN: Final = {"state", "cost", "taken_at", "handed_over_at", "reason"}


def everything(tx: Tx, volunteer_id: int) -> dict[str, Any]:
    """In JSON's types: as `own.everything`; as ``notes`` what somebody wrote to them in their own words, and
    as ``texts`` what they wrote to us by text message, the first first; as ``certificates`` what was issued
    to them; as ``training`` what they learned; as ``evaluations`` what was said of them after duties, and by
    them; as ``points`` every entry of their ledger, the newest first; as ``rewards`` what they took for
    them; as ``deductions`` what was taken by hand, and their appeals; as ``gifts`` points given and
    received; as ``badges`` those they have and since when."""
    area = registry.one(tx, volunteer_id).area
    written, sent = notes.to_one(tx, volunteer_id), replies.of_one(tx, volunteer_id)
    notes_words, texts = notes.read(tx, written), replies.read(tx, sent)
    return own.everything(tx, volunteer_id) | {
        "notes": [
            {"at": one.at.isoformat(), "kind": one.kind.value, "words": notes_words[one.id]}
            for one in written
            if one.id in notes_words
        ],
        "texts": [
            {"at": one.at.isoformat(), "number": texts[one.id].number, "words": texts[one.id].words}
            for one in sent
            if one.id in texts
        ],
        "evaluations": evaluations.everything(tx, volunteer_id),
        "training": training.everything(tx, volunteer_id),
        "points": [
            line.entry.model_dump(mode="json", include=_ENTRY)
            for line in queries.statement(tx, volunteer_id, limit=_MOST)
        ],
        "rewards": [
            {"title": one.reward.title, "sponsor": one.reward.sponsor}
            | one.redemption.model_dump(mode="json", include=_TAKEN)
            for one in rewards.of(tx, volunteer_id)
        ],
        "deductions": [
            row.model_dump(mode="json", include=_DEDUCTED) for row in deductions.of(tx, volunteer_id)
        ],
        "gifts": [
            one.model_dump(mode="json", include=_GIFT) | {"from_me": one.giver_id == volunteer_id}
            for one in gifts.of(tx, volunteer_id)
        ],
        "badges": [
            {"code": one.badge.code, "at": one.at.isoformat()}
            for one in badges.own(tx, volunteer_id, area).earned
        ],
        "certificates": [
            {"number": certificates.number(one), "content": certificates.content(tx, one)}
            for one in certificates.of(tx, volunteer_id)
        ],
    }
