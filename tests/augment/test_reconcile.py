"""New statements meet what is known: counted, superseding, ending, staying forgotten; in whatever order they arrive."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from memproxy.augment.reconcile import Reconciled, author, reconcile, superseders
from memproxy.augment.statements import asked, buried, normalised
from memproxy.domain import Claim, Event, Fact, FactState, Triple
from memproxy.testing.store_samples import ALICE, NOON, fact, message


def day(number: float) -> datetime:
    return NOON + timedelta(days=number)


def home(place: str, **fields: Any) -> Claim:
    return Claim("profile", "home", place, f"Lives in {place}", "", single=True, **fields)


def likes(what: str, **fields: Any) -> Claim:
    return Claim("preference", "likes", what, f"Likes {what}", "", **fields)


def dislikes(what: str) -> Claim:
    return Claim("preference", "dislikes", what, f"Dislikes {what}", "")


def plan(what: str, on: datetime | None) -> Claim:
    return Claim("event", "plan", what, f"Plans {what}", "", valid_from=on)


LATER = day(999)


@dataclass
class Memory:
    """What is known, as a store would keep it."""

    facts: dict[str, Fact] = field(default_factory=dict)
    triples: list[Triple] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    now: datetime = LATER

    def say(self, claim: Claim, at: datetime, *, message_id: str | None = None) -> int:
        """Tell it in a message of that time; returns how many facts changed."""
        said = message("…", at=at, id=message_id or f"m-{at.isoformat()}-{claim.attribute}-{claim.value}-{claim.ended}")
        claim = replace(claim, message_id=said.id)
        known = self.about([claim])
        return self.keep(reconcile(known, [claim], {said.id: said}, scope=ALICE, session="s1", now=self.now))

    def about(self, claims: Sequence[Claim]) -> list[Fact]:
        """What a store gives for what is asked, and nothing more."""
        wanted = asked(claims)
        known = [
            f
            for f in self.facts.values()
            if f.attribute in wanted.attributes or (f.attribute, f.value) in wanted.statements
        ]
        return [*known, *(self.facts[one] for one in superseders(known))]

    def keep(self, result: Reconciled) -> int:
        self.facts.update({f.id: f for f in result.facts})
        self.triples += result.triples
        self.events += result.events
        return len(result.facts)

    def write(self, claim: Claim, at: datetime) -> Fact:
        """The person states it themself."""
        own = fact(
            len(self.facts) + 500, kind=claim.kind, text=claim.text, at=at, valid_from=at, authored=True,
            attribute=claim.attribute, value=normalised(claim.value),
        )  # fmt: skip
        self.keep(author(self.about([claim]), own, claim, now=at))
        return own

    def correct(self, text: str, claim: Claim, at: datetime) -> None:
        """The person puts the claim in the place of what was remembered."""
        wrong = self.holding(text)
        kept = replace(
            wrong,
            id=f"{wrong.id}-until-{at.isoformat()}",
            state=FactState.SUPERSEDED,
            superseded_by=wrong.id,
            valid_to=at,
        )
        right = replace(
            wrong, text=claim.text, value=normalised(claim.value), authored=True, sources=(), first_seen=at,
            last_seen=at, valid_from=at, state=FactState.CURRENT,
        )  # fmt: skip
        self.facts[kept.id] = kept
        self.keep(author([f for f in self.about([claim]) if f.id != wrong.id], right, claim, now=at))

    def current(self, attribute: str | None = None) -> list[str]:
        return sorted(
            f.text for f in self.facts.values() if f.state is FactState.CURRENT and attribute in (None, f.attribute)
        )

    def find(self, text: str) -> Fact:
        (found,) = (f for f in self.facts.values() if f.text == text)
        return found

    def holding(self, text: str) -> Fact:
        (found,) = (f for f in self.facts.values() if f.text == text and f.state is FactState.CURRENT)
        return found

    def history(self, text: str) -> list[str]:
        wanted = {f.id for f in self.facts.values() if f.text == text}
        return [event.action for event in self.events if event.fact_id in wanted]


# Mentions


def test_a_new_statement_is_a_fact_with_its_source_and_an_event() -> None:
    memory = Memory()
    memory.say(replace(home("Lisbon"), triple=("user", "lives in", "Lisbon"), confidence=0.9), day(1), message_id="m1")
    known = memory.find("Lives in Lisbon")
    assert (known.value, known.first_seen, known.last_seen, known.mentions) == ("lisbon", day(1), day(1), 1)
    assert ([s.message_id for s in known.sources], known.confidence, known.process) == (["m1"], 0.9, "chat")
    assert [(t.subject, t.predicate, t.object, t.fact_id) for t in memory.triples] == [
        ("user", "lives in", "Lisbon", known.id)
    ]
    assert memory.history("Lives in Lisbon") == ["created"]
    assert memory.events[0].after == "Lives in Lisbon"


def test_the_same_statement_again_is_a_mention() -> None:
    memory = Memory()
    memory.say(home("Lisbon"), day(1))
    memory.say(home("LISBON "), day(5))
    known = memory.find("Lives in Lisbon")
    assert (known.mentions, known.first_seen, known.last_seen, len(known.sources)) == (2, day(1), day(5), 2)
    assert memory.history("Lives in Lisbon") == ["created", "mentioned"]


def test_an_older_statement_of_the_same_reaches_back() -> None:
    memory = Memory()
    memory.say(home("Lisbon"), day(5))
    memory.say(home("Lisbon"), day(1))
    assert (memory.find("Lives in Lisbon").first_seen, memory.current()) == (day(1), ["Lives in Lisbon"])


def test_values_of_an_attribute_that_may_have_many_add_up() -> None:
    memory = Memory()
    for what in ("tea", "jazz", "rain"):
        memory.say(likes(what), day(1))
    assert memory.current() == ["Likes jazz", "Likes rain", "Likes tea"]


def test_letters_width_and_case_do_not_make_a_value_another() -> None:
    assert normalised(" ＬＩＳＢＯＮ\u00a0 City ") == "lisbon city"


# Superseding


def test_a_new_value_of_a_single_valued_attribute_supersedes_the_old_which_stays_in_the_history() -> None:
    memory = Memory()
    memory.say(home("Berlin"), day(1))
    memory.say(home("Lisbon"), day(9))
    old, new = memory.find("Lives in Berlin"), memory.find("Lives in Lisbon")
    assert (old.state, old.valid_to, old.superseded_by) == (FactState.SUPERSEDED, day(9), new.id)
    assert memory.current() == ["Lives in Lisbon"]
    assert memory.history("Lives in Berlin") == ["created", "superseded"]
    (superseded,) = (e for e in memory.events if e.action == "superseded")
    assert (superseded.before, superseded.reason) == ("Lives in Berlin", "a newer statement")


def test_the_history_of_a_fact_holds_no_words_of_another() -> None:
    memory = Memory()
    memory.say(home("Berlin"), day(1))
    memory.say(home("Lisbon"), day(9))
    berlin = memory.find("Lives in Berlin").id
    told = {event.before for event in memory.events if event.fact_id == berlin}
    told |= {event.after for event in memory.events if event.fact_id == berlin}
    assert told == {"Lives in Berlin", None}


def test_the_old_value_ends_when_the_new_one_began_to_hold() -> None:
    memory = Memory()
    memory.say(home("Berlin"), day(1))
    memory.say(home("Lisbon", valid_from=day(6)), day(9))
    assert memory.find("Lives in Berlin").valid_to == day(6)


def test_no_fact_ends_before_it_began() -> None:
    memory = Memory()
    memory.say(home("Berlin"), day(1))
    memory.say(home("Lisbon", valid_from=day(-900)), day(9))
    assert memory.find("Lives in Berlin").valid_to == day(1)


def test_an_older_statement_imported_later_is_history_from_the_start() -> None:
    memory = Memory()
    memory.say(home("Lisbon"), day(9))
    memory.say(home("Berlin"), day(1))
    old, new = memory.find("Lives in Berlin"), memory.find("Lives in Lisbon")
    assert memory.current() == ["Lives in Lisbon"]
    assert (old.state, old.valid_to, old.superseded_by) == (FactState.SUPERSEDED, day(9), new.id)
    assert new.mentions == 1


def test_a_statement_imported_between_two_takes_its_place_between_them() -> None:
    memory = Memory()
    memory.say(home("Berlin"), day(1))
    memory.say(home("Lisbon"), day(9))
    memory.say(home("Rome"), day(5))
    berlin, rome, lisbon = (memory.find(f"Lives in {place}") for place in ("Berlin", "Rome", "Lisbon"))
    assert (berlin.valid_to, berlin.superseded_by) == (day(5), rome.id)
    assert (rome.valid_to, rome.superseded_by) == (day(9), lisbon.id)
    assert lisbon.state is FactState.CURRENT


def test_what_was_said_before_and_after_a_late_import_still_holds() -> None:
    memory = Memory()
    memory.say(home("Lisbon"), day(1))
    memory.say(home("Lisbon"), day(9))
    memory.say(home("Rome"), day(5))
    assert memory.current() == ["Lives in Lisbon"]
    assert memory.find("Lives in Lisbon").mentions == 2


def test_who_moves_back_lives_there_again_and_the_years_between_stay() -> None:
    memory = Memory()
    for number, place in enumerate(("Berlin", "Lisbon", "Berlin")):
        memory.say(home(place), day(number))
    assert memory.current() == ["Lives in Berlin"]
    assert sorted(f.text for f in memory.facts.values()) == ["Lives in Berlin", "Lives in Berlin", "Lives in Lisbon"]


def test_liking_what_was_disliked_is_a_change_of_mind() -> None:
    memory = Memory()
    memory.say(likes("olives"), day(1))
    memory.say(dislikes("olives"), day(2))
    memory.say(likes("jazz"), day(2))
    assert memory.current() == ["Dislikes olives", "Likes jazz"]
    memory.say(likes("olives"), day(3))
    assert memory.current() == ["Likes jazz", "Likes olives"]


# Endings


def test_what_holds_no_more_is_closed_and_the_end_is_remembered() -> None:
    memory = Memory()
    memory.say(home("Berlin"), day(1))
    memory.say(replace(home("Berlin", ended=True), text="No longer lives in Berlin"), day(9))
    old = memory.find("Lives in Berlin")
    assert (old.state, old.valid_to) == (FactState.SUPERSEDED, day(9))
    assert memory.current() == ["No longer lives in Berlin"]
    assert memory.current("home") == []


def test_the_end_of_one_home_leaves_another_alone() -> None:
    memory = Memory()
    memory.say(home("Lisbon"), day(1))
    memory.say(replace(home("Berlin", ended=True), text="No longer lives in Berlin"), day(9))
    assert memory.current() == ["Lives in Lisbon", "No longer lives in Berlin"]


def test_an_end_that_names_the_city_ends_the_home_that_named_the_country_too() -> None:
    memory = Memory()
    memory.say(home("Lisbon, Portugal"), day(1))
    memory.say(replace(home("Lisbon", ended=True), text="No longer lives in Lisbon"), day(9))
    assert memory.current("home") == []


def test_an_end_without_a_value_ends_whatever_there_was() -> None:
    job = Claim("profile", "employer", "Acme", "Works at Acme", "", single=True)
    memory = Memory()
    memory.say(job, day(1))
    memory.say(replace(job, value="", text="Left the previous job", ended=True), day(2))
    assert memory.current() == ["Left the previous job"]
    memory.say(replace(job, value="Initech", text="Works at Initech"), day(3))
    assert memory.current() == ["Works at Initech"]


def test_an_end_imported_late_does_not_end_what_began_after_it() -> None:
    memory = Memory()
    memory.say(home("Berlin"), day(9))
    memory.say(replace(home("Berlin", ended=True), text="No longer lives in Berlin"), day(1))
    assert memory.current() == ["Lives in Berlin"]


# Plans


def test_a_plan_that_is_moved_before_its_day_is_one_plan() -> None:
    memory = Memory()
    memory.say(plan("exam", day(20)), day(1))
    memory.say(plan("exam", day(25)), day(5))
    (current,) = (f for f in memory.facts.values() if f.state is FactState.CURRENT)
    assert (current.valid_from, len(memory.facts)) == (day(25), 2)


def test_the_next_exam_is_another_one() -> None:
    memory = Memory()
    memory.say(plan("exam", day(20)), day(1))
    memory.say(plan("exam", day(90)), day(50))
    assert len(memory.current()) == 2


def test_a_plan_that_gets_its_day_is_the_same_plan() -> None:
    memory = Memory()
    memory.say(plan("moving to Rome", None), day(1))
    memory.say(plan("moving to Rome", day(30)), day(5))
    (known,) = memory.facts.values()
    assert (known.valid_from, known.mentions) == (day(30), 2)


# Forgotten, and twice


def test_what_was_forgotten_is_not_learned_again() -> None:
    tomb = buried(fact(1, kind="profile", attribute="home", value="berlin", text="Lives in Berlin"))
    memory = Memory({tomb.id: tomb})
    assert memory.say(home("Berlin"), day(5)) == 0
    assert memory.say(replace(home("Berlin", ended=True), text="No longer lives in Berlin"), day(6)) == 0
    memory.say(home("Lisbon"), day(7))
    assert memory.current() == ["Lives in Lisbon"]
    assert memory.facts[tomb.id] == tomb


def test_a_tombstone_tells_nothing_of_what_it_stands_for() -> None:
    tomb = buried(
        fact(1, kind="profile", attribute="home", value="berlin", text="Lives in Berlin", embedding=b"12", model="m",
             speaker="Al", metadata={"why": "Berlin"}, valid_from=day(1), pinned=True)
    )  # fmt: skip
    assert "berlin" not in repr(tomb).casefold()
    assert (tomb.text, tomb.embedding, tomb.metadata, tomb.pinned) == ("", None, {}, False)


def test_forgetting_that_it_ended_forgets_that_it_ever_was() -> None:
    tomb = buried(fact(1, attribute="~home", value="berlin", text="No longer lives in Berlin"))
    memory = Memory({tomb.id: tomb})
    assert memory.say(home("Berlin"), day(5)) == 0


def test_forgetting_one_liking_leaves_the_opposite_and_all_others_alone() -> None:
    tomb = buried(fact(1, attribute="likes", value="olives", text="Likes olives"))
    memory = Memory({tomb.id: tomb})
    for claim in (likes("olives"), likes("jazz"), dislikes("olives")):
        memory.say(claim, day(2))
    assert memory.current() == ["Dislikes olives", "Likes jazz"]


def test_what_was_refused_is_told_so_that_its_words_are_not_kept_either() -> None:
    tomb = buried(fact(1, attribute="home", value="berlin", text="Lives in Berlin"))
    said = message("…", at=day(1), id="m1")
    claims = [replace(home("Berlin"), message_id="m1"), replace(likes("tea"), message_id="m1")]
    result = reconcile([tomb], claims, {"m1": said}, scope=ALICE, session="s1", now=day(2))
    assert [claim.value for claim in result.refused] == ["Berlin"]


def test_only_the_person_brings_back_what_was_forgotten_and_then_it_is_mentioned_as_any_other() -> None:
    tomb = buried(fact(1, attribute="likes", value="olives", text="Likes olives"))
    memory = Memory({tomb.id: tomb})
    own = memory.write(likes("olives"), day(3))
    memory.say(likes("olives"), day(5))
    assert memory.facts[own.id].mentions == 2
    assert memory.current() == ["Likes olives"]


# Written and corrected by the person


def test_what_the_person_writes_closes_what_it_contradicts() -> None:
    memory = Memory()
    memory.say(home("Berlin"), day(1))
    own = memory.write(home("Lisbon"), day(5))
    old = memory.find("Lives in Berlin")
    assert (old.state, old.superseded_by, old.valid_to) == (FactState.SUPERSEDED, own.id, day(5))
    assert memory.current() == ["Lives in Lisbon"]
    assert memory.events[-1].reason == "the person's own words"


def test_an_older_message_does_not_outrank_what_the_person_wrote_and_a_newer_one_goes_on_from_it() -> None:
    memory = Memory()
    memory.write(home("Lisbon"), day(5))
    memory.say(home("Berlin"), day(1))
    assert memory.current() == ["Lives in Lisbon"]
    memory.say(home("Rome"), day(9))
    lisbon = memory.find("Lives in Lisbon")
    assert memory.current() == ["Lives in Rome"]
    assert (lisbon.state, lisbon.valid_to, lisbon.authored) == (FactState.SUPERSEDED, day(9), True)


def test_the_persons_own_words_stay_when_a_message_says_the_same_with_a_date() -> None:
    memory = Memory()
    own = replace(plan("exam", day(40)), text="The big exam!")
    memory.write(own, day(1))
    memory.say(plan("exam", None), day(2))
    assert memory.current() == ["The big exam!"]


def test_what_was_corrected_away_is_not_brought_back_by_messages_older_than_the_correction() -> None:
    memory = Memory()
    memory.say(likes("olives"), day(1))
    memory.correct("Likes olives", likes("black olives"), day(5))
    memory.say(likes("olives"), day(1), message_id="imported-again")
    memory.say(likes("olives"), day(3))
    assert memory.current() == ["Likes black olives"]
    assert memory.find("Likes olives").mentions == 3


def test_what_was_corrected_away_holds_again_when_the_person_says_so_later() -> None:
    memory = Memory()
    memory.say(likes("olives"), day(1))
    memory.correct("Likes olives", likes("black olives"), day(5))
    memory.say(likes("olives"), day(9))
    assert memory.current() == ["Likes black olives", "Likes olives"]


def test_a_message_from_the_future_was_said_now() -> None:
    memory = Memory(now=day(10))
    memory.say(home("Berlin"), day(900))
    memory.now = day(20)
    memory.say(home("Lisbon"), day(15))
    assert memory.current() == ["Lives in Lisbon"]


@dataclass(frozen=True)
class Said:
    claim: Claim
    at: datetime


CLAIMS = [
    *(home(place) for place in ("Berlin", "Lisbon", "Rome")),
    *(replace(home(place, ended=True), text=f"No longer lives in {place}") for place in ("Berlin", "Lisbon")),
    likes("olives"),
    dislikes("olives"),
    replace(likes("olives", ended=True), text="No longer likes olives"),
    plan("exam", day(40)),
    plan("exam", day(60)),
    plan("exam", None),
]


@st.composite
def lives(draw: st.DrawFn) -> list[Said]:
    days = draw(st.lists(st.integers(0, 80), unique=True, max_size=9))
    return [Said(draw(st.sampled_from(CLAIMS)), day(number)) for number in days]


@given(lives(), st.data())
def test_the_same_messages_twice_change_nothing(said: list[Said], data: st.DataObject) -> None:
    memory = Memory()
    for one in said:
        memory.say(one.claim, one.at)
    before, events = dict(memory.facts), len(memory.events)
    for one in data.draw(st.permutations(said)):
        assert memory.say(one.claim, one.at) == 0
    assert (memory.facts, len(memory.events)) == (before, events)


@given(st.permutations([Said(home(place), day(at)) for at, place in ((1, "Berlin"), (3, "Rome"), (9, "Oslo"))]))
def test_in_whatever_order_messages_meet_a_correction_the_newest_statement_holds(said: list[Said]) -> None:
    """The correction is made on day 5, whether or not the messages of the days around it were seen by then."""
    for corrected_after in range(1, len(said) + 1):
        memory = Memory()
        for number, one in enumerate(said, 1):
            memory.say(one.claim, one.at)
            if number == corrected_after and memory.current("home") != ["Lives in Oslo"]:
                memory.correct(memory.current("home")[0], home("Paris"), day(5))
        seen_early = [one.at for one in said[:corrected_after]]
        assert memory.current("home") == ["Lives in Oslo"], seen_early


@dataclass(frozen=True)
class Corrected:
    """The person replaces what holds by this, on that day."""

    place: str
    at: datetime


@st.composite
def corrected_lives(draw: st.DrawFn) -> list[Said | Corrected]:
    """Messages in the order in which they arrive, with corrections between them, at times that only rise."""
    events: list[Said | Corrected] = []
    for number in range(draw(st.integers(1, 7))):
        now = 10 * (number + 1)
        if draw(st.booleans()):
            at = draw(st.integers(0, now - 1))
            events.append(Said(home(draw(st.sampled_from(["Berlin", "Lisbon", "Rome"]))), day(at + number / 100)))
        else:
            events.append(Corrected(draw(st.sampled_from(["Berlin", "Paris", "Oslo"])), day(now)))
    return events


@given(corrected_lives())
def test_whatever_the_person_corrects_the_newest_statement_holds_and_messages_told_twice_change_nothing(
    life: list[Said | Corrected],
) -> None:
    memory, newest = Memory(), None
    told: list[Said] = []
    for number, one in enumerate(life, 1):
        memory.now = day(10 * number)
        if isinstance(one, Said):
            memory.say(one.claim, one.at)
            told.append(one)
            newest = max(newest, (one.at, one.claim.text)) if newest else (one.at, one.claim.text)
        elif memory.current("home"):
            claim = home(one.place)
            if claim.text != memory.current("home")[0]:
                memory.correct(memory.current("home")[0], claim, one.at)
                newest = (one.at, claim.text)
    assert memory.current("home") == ([newest[1]] if newest else [])
    before = dict(memory.facts)
    assert [memory.say(one.claim, one.at) for one in told] == [0] * len(told)
    assert memory.facts == before


HOMES = st.lists(st.sampled_from(CLAIMS[:3]), min_size=1, max_size=9)


@given(HOMES, st.data())
def test_whatever_the_order_of_import_the_newest_statement_holds(claims: list[Claim], data: st.DataObject) -> None:
    life = [Said(claim, day(number)) for number, claim in enumerate(claims)]
    memory = Memory()
    for one in data.draw(st.permutations(life)):
        memory.say(one.claim, one.at)
    assert memory.current("home") == [claims[-1].text]
    assert {s.message_id for f in memory.facts.values() for s in f.sources} == {_id(one) for one in life}


@given(lives())
def test_every_closed_fact_says_until_when_and_no_attribute_of_one_value_has_two(said: Sequence[Said]) -> None:
    memory = Memory()
    for one in said:
        memory.say(one.claim, one.at)
    assert len(memory.current("home")) <= 1
    assert not {"Likes olives", "Dislikes olives"} <= set(memory.current())
    for known in memory.facts.values():
        if known.state is FactState.SUPERSEDED:
            assert known.valid_to is not None
            assert known.valid_to >= (known.valid_from or known.first_seen)
            assert known.superseded_by in memory.facts
        assert known.first_seen <= known.last_seen
        assert known.mentions == len(known.sources)


def _id(one: Said) -> str:
    return f"m-{one.at.isoformat()}-{one.claim.attribute}-{one.claim.value}-{one.claim.ended}"


# What is asked of the store


def test_of_an_attribute_that_may_have_many_values_only_the_statement_itself_is_asked() -> None:
    wanted = asked([likes("Olives")])
    assert list(wanted.attributes) == []
    assert {("likes", "olives"), ("dislikes", "olives"), ("~likes", "olives"), ("~likes", "")} <= set(wanted.statements)


def test_an_end_that_names_nothing_may_end_any() -> None:
    assert list(asked([replace(likes(""), ended=True)]).attributes) == ["likes"]
    assert list(asked([replace(likes("olives"), ended=True)]).attributes) == []
