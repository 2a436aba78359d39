"""People come by themselves: a gate is opened, they fill in a form, a leader sees who they are.

The form tells nobody anything: whoever types a number learns not whose it is, and changes nothing of them.
"""

import uuid
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.dialects.postgresql import Range

from volunteer_hub.access import jurisdictions, login
from volunteer_hub.access.models import Jurisdiction
from volunteer_hub.boards import slots
from volunteer_hub.boards.slots import SlotFacts
from volunteer_hub.core import geo, policy
from volunteer_hub.core.db import Tx
from volunteer_hub.core.errors import FieldError, Malformed, NotFound, Refused, Unavailable
from volunteer_hub.core.settings import settings
from volunteer_hub.flows import duty as duties
from volunteer_hub.flows import respond
from volunteer_hub.incidents import logbook
from volunteer_hub.incidents.models import Incident, Task
from volunteer_hub.incidents.rules import LogKind, TaskState, check_open
from volunteer_hub.mobilization import attendance, gate_rules, gates
from volunteer_hub.mobilization.desk import Reply
from volunteer_hub.mobilization.gate_models import Gate, GateEntry
from volunteer_hub.mobilization.gate_rules import EntryState, Newcomer, Wanted
from volunteer_hub.mobilization.models import Offer
from volunteer_hub.mobilization.policy import Callouts, GateRules
from volunteer_hub.mobilization.rules import Answer, Evidence, OfferState
from volunteer_hub.training import introductions
from volunteer_hub.volunteers import join, registry, skills
from volunteer_hub.volunteers.models import Volunteer
from volunteer_hub.volunteers.rules import HOME_KINDS, Purpose, Status, is_adult


@dataclass(frozen=True)
class Form:
    """What somebody types at the gate; ``born`` is a date, or a year alone."""

    name: str
    phone: str
    born: str
    skills: tuple[str, ...] = ()
    fit: bool = False
    purposes: tuple[Purpose, ...] = ()
    guardian_name: str = ""
    guardian_phone: str = ""
    guardian_consents: bool = False
    language: str = "zh"


def rules_of() -> GateRules:
    """[gate] of config/callouts.toml."""
    policies: Callouts = policy.load("callouts", Callouts)
    return policies.gate


def open_gate(tx: Tx, task: Task) -> Gate:
    """Opens the gate of a task, or finds it open. Raises Refused when incident or task are over."""
    incident = tx.get_one(Incident, task.incident_id)
    check_open(incident.state)
    if task.state is not TaskState.OPEN:
        raise Refused("gate.over")
    if not slots.of_task(tx, task.id):
        raise Refused("gate.no_roles")
    gate = gates.open_gate(
        tx,
        incident_id=incident.id,
        task_id=task.id,
        area=task.area,
        minutes=rules_of().open_minutes,
        ends_at=task.ends_at,
    )
    if gate.opened_at == tx.now:
        logbook.record(tx, incident, LogKind.DUTY, "gate_opened", title=task.title)
        tx.flush()
    return gate


def close(tx: Tx, gate: Gate) -> Gate:
    """Closes a gate; whoever waits there is still decided about."""
    if gate.closed_at is None:
        incident, task = tx.get_one(Incident, gate.incident_id), tx.get_one(Task, gate.task_id)
        gates.close(tx, gate)
        logbook.record(tx, incident, LogKind.DUTY, "gate_closed", title=task.title)
        tx.flush()
    return gate


def address_of(gate: Gate) -> str:
    """The address behind its QR code."""
    return f"{settings().base_url.rstrip('/')}/g/{gates.token(gate.public_id)}"


def arrive(tx: Tx, token: str, form: Form, address: str) -> GateEntry:
    """Somebody has filled in the form: they wait at the gate, and are in the pool as an applicant, or were
    before. ``address`` is the network address it came from. The same number again changes nothing.

    Raises NotFound, Gone for a gate that is closed, TooMany, Malformed with every wrong field.
    """
    gate = gates.by_token(tx, token, lock=True)
    login.count_try(tx, address, of="gate", allowed=rules_of().forms_per_address)
    person = _cells(tx, gate, form)
    found = join.at_gate(tx, person, form.purposes, guardian_consents=form.guardian_consents)
    return gates.enter(
        tx,
        gate,
        GateEntry(
            gate_id=gate.id,
            volunteer_id=found.row.id,
            area=gate.area,
            came_at=tx.now,
            known=found.known,
            name=form.name.strip(),
            skills=list(found.skills),
            fit=form.fit,
        ),
    )


def _cells(tx: Tx, gate: Gate, form: Form) -> dict[str, Any]:
    born = form.born.strip()
    return {
        "name": form.name,
        "phone": form.phone,
        # Of a year alone the last day: nobody is taken for older than they may be.
        "birthday": f"{born}-12-31" if len(born) == 4 and born.isdecimal() else born,
        "language": form.language,
        "community": _community(tx, gate),
        "skills": ";".join(form.skills),
        "fit": "yes" if form.fit else "no",
        "guardian_name": form.guardian_name,
        "guardian_phone": form.guardian_phone,
    }


def _community(tx: Tx, gate: Gate) -> str:
    """Where a newcomer is registered until they say where they live: the community nearest to the task."""
    task = tx.get_one(Task, gate.task_id)
    everywhere = [node for node in jurisdictions.everywhere(tx) if node.kind in HOME_KINDS]
    inside = [node for node in everywhere if node.path.startswith(gate.area)]

    def far(node: Jurisdiction) -> float:
        return float(geo.haversine_km(node.lat, node.lon, task.lat, task.lon))

    near = min(inside or everywhere, key=far, default=None)
    if near is None:
        raise Unavailable("join.no_city")
    return near.code


def admit(
    tx: Tx, entry_id: uuid.UUID, slot_id: uuid.UUID, *, identity: bool, birthday: date | None = None
) -> Offer:
    """A leader has seen an identity card and gives a place: the duty begins now, confirmed by the leader.

    ``birthday``: as the card says, for a newcomer. Raises Malformed without the identity seen, Refused for
    what stands in the way, for a role without a free place, for who is promised elsewhere.
    """
    entry = gates.find_entry(tx, "duty.write", entry_id)
    gate_rules.must_wait(entry.state)
    if not identity:
        raise Malformed("form", fields=[FieldError("identity", "gate.identity")])
    gate = tx.get_one(Gate, entry.gate_id)
    facts = _slot(tx, gate, slot_id)
    tx.refresh(facts.incident, with_for_update={"key_share": True})
    check_open(facts.incident.state)
    person = registry.one(tx, entry.volunteer_id)
    if birthday is not None and not entry.known:
        person.birthday = birthday
    insured_until = facts.task.ends_at.astimezone(ZoneInfo(facts.zone)).date() if rules_of().insures else None
    if not gates.has_place(tx, facts.slot.id, person.id):
        for code in hindrances(tx, person, entry, facts):
            raise Refused(code)
    offer = _place(tx, entry, facts)
    again = person.status is Status.LEFT
    join.identified(tx, person, entry.skills, fit=entry.fit, insured_until=insured_until)
    if person.status is Status.APPLIED:
        if again:
            introductions.begin(tx, person.id, person.area)
        introductions.ensured(tx, person.id, person.area, person.created_at)
    gates.decide(tx, entry, EntryState.ADMITTED)
    entry.identity_by, entry.identity_at, entry.offer_id = entry.decided_by, tx.now, offer.id
    logbook.record(tx, facts.incident, LogKind.DUTY, "gate_admitted", title=facts.task.title)
    tx.flush()
    return offer


def refuse(tx: Tx, entry_id: uuid.UUID, reason: str) -> GateEntry:
    """A leader sends somebody home, with the reason. Raises Malformed without one, Refused when decided."""
    entry = gates.find_entry(tx, "duty.write", entry_id)
    said = gate_rules.check_reason(reason)
    gates.decide(tx, entry, EntryState.REFUSED)
    entry.reason = said
    tx.flush()
    return entry


def hindrances(tx: Tx, person: Volunteer, entry: GateEntry, facts: SlotFacts) -> list[str]:
    """Codes of all that stands in the way of this person in this role."""
    day = facts.task.ends_at.astimezone(ZoneInfo(facts.zone)).date()
    wanted = skills.taxonomy().skills.get(facts.slot.skill or "")
    level = 0
    if facts.slot.skill is not None and wanted is not None:
        level = skills.level_on(tx, person.id, facts.slot.skill, day, vouched=True)
    adult = is_adult(person.birthday, tx.now.astimezone(ZoneInfo(facts.zone)).date())
    insured = rules_of().insures or (person.insured_until is not None and person.insured_until >= day)
    who = Newcomer(
        adult=adult,
        guarded=adult or person.guardian_consent_at is not None,
        fit=person.fit or entry.fit,
        insured=insured,
        level=level,
        barred=person.status is Status.SUSPENDED,
    )
    asked = Wanted(
        level=facts.slot.level if wanted is not None else 0,
        adult_only=facts.slot.adult_only or (wanted is not None and wanted.adult_only),
        insured_only=facts.slot.insured_only,
        hazardous=facts.task.hazardous,
    )
    return gate_rules.hindrances(who, asked)


def _slot(tx: Tx, gate: Gate, slot_id: uuid.UUID) -> SlotFacts:
    for facts in slots.of_task(tx, gate.task_id).values():
        if facts.slot.public_id == slot_id:
            return facts
    raise NotFound("not_found")


def _place(tx: Tx, entry: GateEntry, facts: SlotFacts) -> Offer:
    """A place by the law of every other answer, and the duty begun. Raises Refused."""
    known = gates.callouts_of(tx, [facts.slot.id]).get(facts.slot.id)
    if known is None:
        raise Refused("gate.no_callout")
    callout = known[0]
    tx.refresh(callout, with_for_update={"key_share": True})
    during = Range(facts.task.starts_at, facts.task.ends_at, bounds="[)")
    offer = gates.question(tx, callout, facts.slot.id, entry.volunteer_id, facts.task.area, during)
    try:
        offer = respond.on_behalf(tx, offer, Reply(Answer.ACCEPT)).offer
    except Refused as error:
        raise Refused("gate.elsewhere") from error
    duty = attendance.of_offer(tx, offer)
    if offer.state is OfferState.STANDING_BY or duty is None:
        raise Refused("gate.full")
    duties.confirm_in(tx, duty, Evidence.LEADER)
    return offer
