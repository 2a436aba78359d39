"""What is stored of volunteers, their skills, their times, who pledges people and who keeps some back."""

import uuid
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    Double,
    Index,
    Integer,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import TypeEngine
from sqlmodel import Field, SQLModel

from volunteer_hub.core import columns
from volunteer_hub.core.columns import area, blob, jsonb, personal, pk, public_id, ref, text_enum, ts, version
from volunteer_hub.volunteers.rules import (
    Basis,
    ClaimState,
    ConsentBy,
    ContactKind,
    Delivers,
    InsuredBy,
    OrganisationKind,
    Precision,
    Purpose,
    Status,
    TravelMode,
)
from volunteer_hub.volunteers.week import ALWAYS

TO_LOCATE: Final = (
    "located_at IS NULL AND address IS NOT NULL AND precision = 'community' "
    "AND status IN ('active', 'pledged', 'paused')"
)
"""Whose address waits to be looked up: nobody's who is not, or no longer, in the pool."""


def _personal(kind: TypeEngine[Any]) -> Any:
    """A personal value that is not text."""
    return Field(default=None, sa_column=Column(kind, nullable=True, info={"personal": True}))


def _plain_text(default: str = "") -> Any:
    return Field(default=default, sa_column=Column(Text, nullable=False))


class Volunteer(SQLModel, table=True):
    """One person. Forgetting blanks every personal column; the row and its ids stay, so that sums hold.

    ``availability`` has bit ``2 * weekday + night``, Monday's day lowest; ``quiet_*`` are minutes of the
    local day, ``wakes_for`` the mildest response level that may break them (None: as usual); ``revision`` is
    the transaction that last changed what the pool reads, ``held_revision`` the one that last changed whose
    skills and papers it reads, set by triggers; ``search`` holds bigrams of the name and the ending of the
    telephone number.
    """

    __tablename__ = "volunteers"
    __subject__ = "id"
    __table_args__ = (
        Index("uq_volunteers_external_id", text("split_part(area, '/', 2)"), "external_id", unique=True),
        Index("ix_volunteers_search", "search", postgresql_using="gin"),
        Index("ix_volunteers_revision", "revision"),
        Index("ix_volunteers_applied", "id", postgresql_where=text("status = 'applied'")),
        Index("ix_volunteers_to_locate", "id", postgresql_where=text(TO_LOCATE)),
        CheckConstraint("availability BETWEEN 0 AND 16383", name="availability"),
        CheckConstraint("quiet_from BETWEEN 0 AND 1439", name="quiet_from"),
        CheckConstraint("quiet_until BETWEEN 0 AND 1439", name="quiet_until"),
        CheckConstraint("wakes_for BETWEEN 0 AND 4", name="wakes_for"),
        Index("ix_volunteers_wakes_for", "wakes_for", postgresql_where=text("wakes_for IS NOT NULL")),
        CheckConstraint("lat BETWEEN -90 AND 90", name="lat"),
        CheckConstraint("lon BETWEEN -180 AND 180", name="lon"),
        CheckConstraint("max_km > 0", name="max_km"),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    area: str = area()
    external_id: str | None = personal()
    name: str | None = personal()
    birthday: date | None = _personal(Date())
    phone: str | None = personal()
    phone_hash: bytes | None = blob(null=True, unique=True)
    email: str | None = personal()
    address: str | None = personal()
    emergency_contact: str | None = personal()
    guardian_name: str | None = personal()
    guardian_phone: str | None = personal()
    guardian_consent_at: datetime | None = ts(null=True)
    lang: str = _plain_text("zh")
    lat: float | None = _personal(Double())
    lon: float | None = _personal(Double())
    precision: Precision = text_enum(Precision, "precision", Precision.COMMUNITY)
    located_at: datetime | None = ts(null=True)
    lease_until: datetime | None = ts(null=True)
    street: str | None = personal()
    status: Status = text_enum(Status, "status", Status.APPLIED)
    paused_until: date | None = None
    reason: str | None = personal()
    availability: int = ALWAYS
    quiet_from: int | None = None
    quiet_until: int | None = None
    wakes_for: int | None = None
    travel_mode: TravelMode = text_enum(TravelMode, "travel_mode", TravelMode.FOOT)
    max_km: float | None = None
    basis: Basis = text_enum(Basis, "basis", Basis.VOLUNTARY)
    fit: bool = False
    insured_until: date | None = None
    insured_by: InsuredBy | None = text_enum(InsuredBy, "insured_by", null=True)
    insurer: str | None = personal()
    policy_no: str | None = personal()
    pledge_for: list[str] = jsonb()
    education: str | None = personal()
    merged_into: int | None = ref("volunteers.id", null=True, index=False)
    asked_count: int = 0
    served_minutes: int = 0
    search: list[str] = Field(
        default_factory=list, sa_column=Column(ARRAY(Text), nullable=False, info={"personal": True})
    )
    revision: int = Field(default=0, sa_type=BigInteger)
    held_revision: int = Field(
        default=0, sa_column=Column(BigInteger, nullable=False, server_default=text("0"))
    )
    version: int = version()
    created_at: datetime = ts()
    updated_at: datetime = ts()


class SkillClaim(SQLModel, table=True):
    """What a person says they can do, and who vouches for it. While ``suspended_at`` stands, it counts for
    nothing: a course that is mandatory for the skill has lapsed or was failed."""

    __tablename__ = "skill_claims"
    __table_args__ = (CheckConstraint("level BETWEEN 1 AND 3", name="level"),)
    volunteer_id: int = ref("volunteers.id", primary_key=True, index=False)
    skill: str = Field(sa_column=Column(Text, primary_key=True))
    level: int = 1
    state: ClaimState = text_enum(ClaimState, "state", ClaimState.CLAIMED)
    verified_by: int | None = ref("accounts.id", null=True, index=False)
    verified_at: datetime | None = ts(null=True)
    suspended_at: datetime | None = ts(null=True)


class Certification(SQLModel, table=True):
    """A paper that says so, with its last day; ``reminded_at`` is when its holder was last told it ends."""

    __tablename__ = "certifications"
    __table_args__ = (
        UniqueConstraint("volunteer_id", "skill", "number", postgresql_nulls_not_distinct=True),
        Index("ix_certifications_expires_on", "expires_on"),
        CheckConstraint("issued_on <= expires_on", name="dates"),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    volunteer_id: int = ref("volunteers.id", index=False)
    skill: str = _plain_text()
    number: str | None = personal()
    issuer: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    issued_on: date | None = None
    expires_on: date | None = None
    reminded_at: datetime | None = ts(null=True)


class Contact(SQLModel, table=True):
    """An address of one channel; the lowest ``preference`` is tried first. ``stopped_at``: since then its
    owner wants nothing there. A device (web push) counts as a way to reach them ``counts_until`` then."""

    __tablename__ = "contacts"
    __table_args__ = (
        UniqueConstraint("volunteer_id", "kind", "address"),
        Index("ix_contacts_number", "address", postgresql_where=text("kind IN ('sms', 'voice')")),
    )
    id: int = pk()
    volunteer_id: int = ref("volunteers.id", index=False)
    kind: ContactKind = text_enum(ContactKind, "kind")
    address: str | None = personal()
    preference: int = 1
    delivers: Delivers = text_enum(Delivers, "delivers", Delivers.UNKNOWN)
    verified_at: datetime | None = ts(null=True)
    stopped_at: datetime | None = ts(null=True)
    counts_until: datetime | None = ts(null=True)


class AvailabilityException(SQLModel, table=True):
    """A time in which the weekly pattern does not hold."""

    __tablename__ = "availability_exceptions"
    __table_args__ = (CheckConstraint("starts_at < ends_at", name="order"),)
    id: int = pk()
    volunteer_id: int = ref("volunteers.id")
    starts_at: datetime = ts()
    ends_at: datetime = ts(index=True)
    available: bool = False


class OnCall(SQLModel, table=True):
    """A duty to be reachable and free."""

    __tablename__ = "on_call"
    __table_args__ = (CheckConstraint("starts_at < ends_at", name="order"),)
    id: int = pk()
    volunteer_id: int = ref("volunteers.id")
    area: str = area()
    starts_at: datetime = ts()
    ends_at: datetime = ts(index=True)


class Consent(SQLModel, table=True):
    """Who agreed to what, in which words, and when it ended."""

    __tablename__ = "consents"
    id: int = pk()
    volunteer_id: int = ref("volunteers.id")
    purpose: Purpose = text_enum(Purpose, "purpose")
    text_version: str = _plain_text()
    given_at: datetime = ts()
    withdrawn_at: datetime | None = ts(null=True)
    by: ConsentBy = text_enum(ConsentBy, "by", ConsentBy.SELF)


class Organisation(SQLModel, table=True):
    """A unit that pledges people by skill: how soon they come, and whom to ring."""

    __tablename__ = "organisations"
    __table_args__ = (CheckConstraint("activation_minutes >= 0", name="activation_minutes"),)
    id: int = pk()
    public_id: uuid.UUID = public_id()
    area: str = area()
    name: str = _plain_text()
    kind: OrganisationKind = text_enum(OrganisationKind, "kind", OrganisationKind.OTHER)
    contact_name: str | None = personal()
    contact_phone: str | None = personal()
    contact_email: str | None = personal()
    activation_minutes: int = 60
    lat: float | None = None
    lon: float | None = None
    version: int = version()
    created_at: datetime = ts()


class Pledge(SQLModel, table=True):
    """How many people with a skill an organisation sends."""

    __tablename__ = "pledges"
    __table_args__ = (CheckConstraint("heads > 0", name="heads"),)
    organisation_id: int = ref("organisations.id", primary_key=True, index=False, ondelete="CASCADE")
    skill: str = Field(sa_column=Column(Text, primary_key=True))
    heads: int = Field(sa_column=Column(Integer, nullable=False))


class ReserveFloor(SQLModel, table=True):
    """So many people of an area who hold a skill at a level stay: no plan sends the last of them."""

    __tablename__ = "reserve_floors"
    __table_args__ = (
        UniqueConstraint("area", "skill", "level"),
        CheckConstraint("level BETWEEN 1 AND 3", name="level"),
        CheckConstraint("keep > 0", name="keep"),
    )
    id: int = pk()
    public_id: uuid.UUID = public_id()
    area: str = area()
    skill: str = _plain_text()
    level: int = 1
    keep: int
    version: int = version()
    set_by: int | None = ref("accounts.id", null=True, index=False)
    set_at: datetime = ts()


class JoinCode(SQLModel, table=True):
    """A code sent to a telephone, and after it was typed in the proof that the number is theirs."""

    __tablename__ = "join_codes"
    __audit__ = False
    id: int = pk()
    phone_hash: bytes = blob()
    code_hash: bytes = blob()
    proof_hash: bytes | None = blob(null=True, unique=True)
    sent_at: datetime = ts()
    expires_at: datetime = ts(index=True)
    tries: int = 0
    __table_args__ = (Index("ix_join_codes_phone_hash", "phone_hash", "sent_at"),)


class AddressAnswer(SQLModel, table=True):
    """What a geocoder said of an address, for a household to be asked for once; without ``lat`` it knows no
    such house. ``key`` is a hash that does not show the address; the row goes with whom it was asked for."""

    __tablename__ = "address_answers"
    __audit__ = False
    key: str = Field(sa_column=Column(Text, primary_key=True))
    volunteer_id: int = ref("volunteers.id")
    lat: float | None = _personal(Double())
    lon: float | None = _personal(Double())
    precision: Precision | None = text_enum(Precision, "precision", null=True)
    provider: str = _plain_text()
    answered_at: datetime = ts(index=True)


class ImportFile(SQLModel, table=True):
    """A file of people between its preview and its import: gone with either, and after a day."""

    __tablename__ = "import_files"
    __audit__ = False
    id: int = pk()
    public_id: uuid.UUID = public_id()
    account_id: int = ref("accounts.id")
    name: str = _plain_text()
    datum: str = _plain_text("wgs84")
    content: bytes = blob()
    created_at: datetime = ts(index=True)


class PoolBlock(SQLModel, table=True):
    """People of 8,192 successive ids as columns, as they stood at ``horizon``: a cache (see pool.blocks).

    ``cluster`` is the database server whose transactions the horizon counts, ``shape`` says how to read
    ``data``, ``areas`` are the jurisdictions (ids) that its people live in.
    """

    __tablename__ = "pool_blocks"
    __table_args__ = {"prefixes": ["UNLOGGED"]}
    __audit__ = False
    number: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    cluster: str = Field(sa_column=Column(Text, nullable=False))
    shape: str = Field(sa_column=Column(Text, nullable=False))
    horizon: int = Field(sa_column=Column(BigInteger, nullable=False))
    people: int
    areas: list[int] = Field(sa_column=Column(ARRAY(BigInteger), nullable=False))
    data: bytes = blob()


POOL_COLUMNS: Final = (
    "area", "birthday", "lat", "lon", "status", "paused_until", "availability", "travel_mode", "max_km",
    "fit", "insured_until", "pledge_for", "revision",
)  # fmt: skip
"""What the pool reads of a person, and with it ``revision``; a change of anything else does not renew it."""

REVISION_TRIGGERS: Final = f"""
CREATE FUNCTION stamp_volunteer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.revision := pg_current_xact_id()::text::bigint;
  IF TG_OP = 'INSERT' OR NEW.held_revision < 0
    OR (NEW.area, NEW.status) IS DISTINCT FROM (OLD.area, OLD.status) THEN
    NEW.held_revision := NEW.revision;
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER volunteers_revision BEFORE INSERT OR UPDATE OF {", ".join(POOL_COLUMNS)} ON volunteers
FOR EACH ROW EXECUTE FUNCTION stamp_volunteer();
CREATE FUNCTION stamp_holders() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE holders bigint[];
BEGIN
  IF TG_OP = 'INSERT' THEN
    SELECT array_agg(DISTINCT volunteer_id) INTO holders FROM after_it;
  ELSIF TG_OP = 'DELETE' THEN
    SELECT array_agg(DISTINCT volunteer_id) INTO holders FROM before_it;
  ELSE
    SELECT array_agg(DISTINCT volunteer_id) INTO holders
    FROM (SELECT volunteer_id FROM before_it UNION ALL SELECT volunteer_id FROM after_it) AS both_of_them;
  END IF;
  -- In order, so that no two transactions wait for each other; who was stamped by this one stays untouched.
  WITH late AS (
    SELECT id FROM volunteers
    WHERE id = ANY(holders) AND held_revision <> pg_current_xact_id()::text::bigint
    ORDER BY id FOR NO KEY UPDATE
  )
  UPDATE volunteers SET revision = 0, held_revision = -1 WHERE id IN (SELECT id FROM late);
  RETURN NULL;
END $$;
"""  # noqa: S608  (constants of this module)
"""Whoever is changed carries the number of the transaction that did it, also by their skills and papers.

Most changes leave those alone, and they are the larger part to read: they carry a number of their own, which
coming into a pool renews too.

Numbers of transactions compare with a snapshot, as those of a sequence do not.
"""
_BEFORE, _AFTER = "OLD TABLE AS before_it", "NEW TABLE AS after_it"
HOLDER_TRIGGERS: Final = [
    f"CREATE TRIGGER {table}_{done} AFTER {deed} ON {table} REFERENCING {rows} "
    "FOR EACH STATEMENT EXECUTE FUNCTION stamp_holders();"
    for table in ("skill_claims", "certifications")
    for done, deed, rows in (
        ("added", "INSERT", _AFTER),
        ("changed", "UPDATE", f"{_BEFORE} {_AFTER}"),
        ("removed", "DELETE", _BEFORE),
    )
]
UNCOMPRESSED: Final = "ALTER TABLE pool_blocks ALTER data SET STORAGE EXTERNAL;"  # read whole
columns.after_create(None, REVISION_TRIGGERS, *HOLDER_TRIGGERS, UNCOMPRESSED)
