"""Whatever happens to some people's points: worked out anew from the deeds, the ledger is the same."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from sqlmodel import col, select, text

from tests.incentives import served
from tests.incentives.served import DAQING, DONGFENG, REWARDS
from tests.mobilization import rows
from volunteer_hub.boards import recompute
from volunteer_hub.core.db import Tx
from volunteer_hub.flows import settle
from volunteer_hub.incentives import expiry, ledger, queries, review, time_served
from volunteer_hub.incentives.flag_rules import Doubt, Flag
from volunteer_hub.incentives.models import LedgerAccount, LedgerEntry
from volunteer_hub.incentives.review import Decision
from volunteer_hub.incentives.rules import EntryKind
from volunteer_hub.mobilization.models import Duty

_ENDED = text("""
UPDATE duties SET state = 'done', grade = :grade, checked_in_at = :begins, checked_out_at = :ends,
  minutes = :minutes
WHERE id = :duty
""")
YEAR = REWARDS.model_copy(update={"expiry_months": 12})


class Story:
    """Three people, of whom two become one in the end, and what they do by lot."""

    def __init__(self, tx: Tx, seed: int) -> None:
        self.tx, self.random = tx, Random(seed)
        self.world = served.plant(tx, 3)
        worlds = [self.world, *(served.again(tx, self.world) for _ in range(5))]
        real = text("UPDATE incidents SET kind = 'real', commander_id = :mei WHERE id % 3 > 0")
        tx.execute(real, {"mei": rows.account(tx, "Mei")})
        self.open = [one for each in worlds for one in zip(each.duties, each.people, strict=True)]
        self.random.shuffle(self.open)
        self.spent: list[LedgerEntry] = []

    def step(self, number: int) -> None:
        """The next deed, some days after the last."""
        self.tx.now += timedelta(days=self.random.randint(0, 40), minutes=17)
        deeds = (self.serve, self.serve, self.correct, self.learn, self.answer, self.stand_by, self.spend)
        rarer = (self.give_back, self.adjust, self.reverse, self.lapse)
        self.random.choice((*deeds, *rarer))(number)

    def serve(self, _: int) -> None:
        """A duty, by day or night, well or ill evidenced, paid at once."""
        if self.open:
            duty, who = self._end()
            settle.duties(self.tx, {duty: who})

    def correct(self, _: int) -> None:
        """A duty that somebody looked at first."""
        if not self.open:
            return
        duty, _ = self._end()
        row = self.tx.get_one(Duty, duty, populate_existing=True)
        facts = settle.facts_of(self.tx, row, self.world.by)
        hours = time_served.hold(self.tx, facts, [Flag(Doubt.TYPED)])
        self.tx.flush()
        decision = self.random.choice(list(Decision))
        review.decide(self.tx, hours, decision, "So it was.", self.random.randint(0, 400))
        settle.looked_at(self.tx, row, hours)

    def learn(self, number: int) -> None:
        """A course passed."""
        points, who = self.random.randint(0, 60), self._somebody()
        ledger.settle_deed(
            self.tx, EntryKind.TRAINING, f"course:{number}", points, who, DONGFENG, DAQING, self.world.by
        )

    def answer(self, number: int) -> None:
        """A survey answered, twice."""
        who = self._somebody()
        for _ in range(2):
            ledger.settle_survey(self.tx, number, who, DONGFENG, DAQING, self.world.by)

    def stand_by(self, number: int) -> None:
        """Some hours of standing by."""
        minutes = self.random.randint(0, 1500)
        ledger.settle_standby(self.tx, number, self._somebody(), DONGFENG, minutes, DAQING, self.world.by)

    def spend(self, number: int) -> None:
        """A reward, for no more than there is."""
        who = self._somebody()
        points = min(queries.balance(self.tx, who), self.random.randint(1, 30))
        if points > 0:
            what = {"reward": "Tea"}
            self.spent += ledger.spend(
                self.tx, who, DONGFENG, points, f"redemption:{number}", what, self.world.by
            )[:1]

    def give_back(self, _: int) -> None:
        """A reward returned, perhaps for the second time."""
        if self.spent:
            ledger.take_back(self.tx, self.random.choice(self.spent), "not wanted")

    def adjust(self, _: int) -> None:
        """By hand."""
        points = self.random.choice([-7, 12])
        ledger.adjust(self.tx, self._somebody(), DONGFENG, points, "said so", self.world.by)

    def reverse(self, _: int) -> None:
        """One of a person's entries is taken back."""
        lines = queries.statement(self.tx, self._somebody())
        taken = [
            line.entry
            for line in lines
            if line.entry.kind not in (EntryKind.REVERSAL, EntryKind.EXPIRY, EntryKind.REDEMPTION)
            and not line.entry.source.startswith("merge:")
        ]
        if taken:
            ledger.reverse(self.tx, self.random.choice(taken), "a slip")

    def lapse(self, _: int) -> None:
        """The sweep over what nobody used within a year."""
        expiry.expire(self.tx, self.tx.now.date(), replace(self.world.by, rewards=YEAR))

    def merge(self) -> None:
        """The third of them was the first all along."""
        keep, _, drop = self.world.people
        ledger.carry(self.tx, keep, drop, DONGFENG, "one person", self.world.by)

    def _somebody(self) -> int:
        return self.random.choice(self.world.people)

    def _end(self) -> tuple[int, int]:
        duty, who = self.open.pop()
        minutes = self.random.randint(0, 1300)
        begins = self.tx.now - timedelta(minutes=minutes + self.random.randint(0, 600))
        self.tx.execute(
            _ENDED,
            {
                "duty": duty,
                "grade": self.random.choice("AABC"),
                "begins": begins,
                "ends": begins + timedelta(minutes=minutes),
                "minutes": minutes,
            },
        )
        return duty, who


@pytest.mark.parametrize("seed", range(6))
def test_replayed_from_the_deeds_the_ledger_is_the_same_by_account_and_by_entry(tx: Tx, seed: int) -> None:
    story = Story(tx, seed)
    for number in range(40):
        story.step(number)
        if number == 25:
            story.merge()
    tx.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
    assert [
        (one.entry.kind, one.entry.points, one.would_be) for one in recompute.differences(tx, REWARDS)
    ] == []
    entries = tx.exec(select(LedgerEntry)).all()
    assert sum(entry.points for entry in entries) == 0
    sums: Counter[int] = Counter()
    for entry in entries:
        sums[entry.account_id] += entry.points
    accounts = tx.exec(select(LedgerAccount).where(col(LedgerAccount.volunteer_id).is_not(None))).all()
    whose = {account.volunteer_id: sums[account.id] for account in accounts}
    assert {who: queries.balance(tx, who) for who in whose if who is not None} == whose
    assert whose[story.world.people[2]] == 0  # who became part of another has nothing, whatever came later
    assert len({(entry.kind, entry.source, entry.account_id) for entry in entries}) == len(entries)
