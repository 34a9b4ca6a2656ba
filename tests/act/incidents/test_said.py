from __future__ import annotations

from homeostat.act import incidents
from homeostat.records.action import Action, Expectation
from homeostat.records.incident import Incident
from homeostat.registry.declined import Declined
from homeostat.store.ledger import Ledger, actions
from homeostat.store.ledger import incidents as rows
from tests.act.found import DAY, HOUR, MINUTE, T0, finding, kept

BY = {"by": "key:ann", "at": T0 + HOUR}


def opened(ledger: Ledger, *measures: str, onset: int = T0) -> Incident:
    found = kept(ledger, *(finding(each, onset=onset) for each in measures or ("mean(score.relevance)",)))
    return incidents.take(ledger, "p", found, at=onset + 30 * MINUTE)[-1]


def test_acknowledged_by_whoever_takes_it(ledger: Ledger) -> None:
    one = opened(ledger)
    after = incidents.acknowledge(ledger, "p", one.id, **BY)
    assert after is not None and (after.state, after.owner) == ("acknowledged", "key:ann")
    again = incidents.acknowledge(ledger, "p", one.id, by="key:bob", at=T0 + 2 * HOUR)
    assert again is not None and again.owner == "key:ann"
    assert after.timeline[-1].text == "acknowledged by key:ann"


def test_closed_once_with_the_reason(ledger: Ledger) -> None:
    one = opened(ledger)
    after = incidents.close(ledger, "p", one.id, why="the canary is gone", **BY)
    assert after is not None and (after.state, after.closed, after.closed_by) == ("closed", T0 + HOUR, "key:ann")
    assert after.timeline[-1].text == "closed by key:ann: the canary is gone"
    assert incidents.close(ledger, "p", one.id, **BY) is None
    assert rows.open(ledger, "p") == []
    back = incidents.reopen(ledger, "p", one.id, **BY)
    assert back is not None and (back.state, back.reopened, back.closed_by) == ("open", 1, "")


def test_words_of_people_are_in_the_timeline(ledger: Ledger) -> None:
    one = opened(ledger)
    incidents.comment(ledger, "p", one.id, "it is the new prompt", **BY)
    incidents.own(ledger, "p", one.id, owner="bob", **BY)
    after = incidents.silence(ledger, "p", one.id, until=T0 + 9 * HOUR, **BY)
    assert after is not None and (after.owner, after.silenced_until) == ("bob", T0 + 9 * HOUR)
    assert [(entry.kind, entry.text) for entry in after.timeline[-3:]] == [
        ("comment", "it is the new prompt"),
        ("state", "bob looks after it"),
        ("state", "silenced until Tue 3 Mar 23:00, by key:ann"),
    ]
    assert incidents.comment(ledger, "q", one.id, "of another project", **BY) is None


def test_merged_into_one(ledger: Ledger) -> None:
    one = opened(ledger)
    other = opened(ledger, "mean(score.safety)", onset=T0 + 5 * HOUR)
    after = incidents.merge(ledger, "p", one.id, other.id, **BY)
    assert isinstance(after, Incident) and after.findings == (*one.findings, *other.findings)
    gone = rows.get(ledger, "p", other.id)
    assert gone is not None and (gone.state, gone.merged_into) == ("closed", one.id)
    # What belongs to the one that is gone goes to the one that is left from now on.
    found = kept(ledger, finding("mean(score.safety)", onset=T0 + 6 * HOUR))
    assert [each.id for each in incidents.take(ledger, "p", found, at=T0 + 7 * HOUR)] == [one.id]
    for id, into in ((one.id, one.id), (other.id, one.id), (one.id, other.id), (one.id, 99)):
        assert isinstance(incidents.merge(ledger, "p", id, into, **BY), Declined)
    assert incidents.reopen(ledger, "p", other.id, **BY) is None


def test_no_open_trouble_is_lost_in_a_closed_one(ledger: Ledger) -> None:
    one = opened(ledger)
    other = opened(ledger, "mean(score.safety)", onset=T0 + 5 * HOUR)
    incidents.close(ledger, "p", one.id, **BY)
    no = incidents.merge(ledger, "p", one.id, other.id, **BY)
    assert isinstance(no, Declined) and (no.code, no.message) == ("conflict", "Incident 1 is closed, and 2 is open.")
    assert [each.id for each in rows.open(ledger, "p")] == [other.id]
    after = incidents.merge(ledger, "p", other.id, one.id, **BY)
    assert isinstance(after, Incident) and after.state == "open" and len(after.findings) == 2


def test_what_was_done_goes_along_and_what_was_proposed_is_declined(ledger: Ledger) -> None:
    one = opened(ledger)
    other = opened(ledger, "mean(score.safety)", onset=T0 + 5 * HOUR)
    expects = Expectation("mean(score.safety)", "up", 0.05, T0 + DAY, "canary")
    done, proposed, going = (
        actions.make(ledger, Action(0, "p", "rollback", "rollback", {}, expects, state, "rule:m", incident=other.id))
        for state in ("done", "proposed", "doing")
    )
    no = incidents.merge(ledger, "p", one.id, other.id, **BY)
    assert isinstance(no, Declined) and no.message == f"Action {going.id} of incident {other.id} is doing."
    actions.move(ledger, going, state="done")
    assert isinstance(incidents.merge(ledger, "p", one.id, other.id, **BY), Incident)
    now = {each.id: (each.state, each.incident) for each in actions.listed(ledger, "p")}
    assert now == {done.id: ("done", one.id), proposed.id: ("declined", one.id), going.id: ("done", one.id)}
    kept_action = actions.get(ledger, "p", proposed.id)
    assert kept_action is not None and kept_action.result["said"] == f"it is the same as #{one.id}"


def test_split_into_two(ledger: Ledger) -> None:
    one = opened(ledger, "mean(score.relevance)", "mean(score.safety)", "mean(cost)")
    made = incidents.split(ledger, "p", one.id, one.findings[1:2], **BY)
    assert made is not None and made.findings == one.findings[1:2] and made.id != one.id
    left = rows.get(ledger, "p", one.id)
    assert left is not None and left.findings == (one.findings[0], one.findings[2])
    found = kept(ledger, finding("mean(score.safety)", onset=T0 + HOUR))
    assert [each.id for each in incidents.take(ledger, "p", found, at=T0 + 2 * HOUR)] == [made.id]
    assert incidents.split(ledger, "p", one.id, left.findings, **BY) is None
    assert incidents.split(ledger, "p", one.id, [99], **BY) is None


def test_under_suspicion(ledger: Ledger) -> None:
    found = kept(ledger, finding(release="B", against="release"))
    (one,) = incidents.take(ledger, "p", found, at=T0 + HOUR)
    assert rows.open_on_release(ledger, "p", "B") == [one.id]
    assert rows.open_on_release(ledger, "p", "A") == []
    incidents.close(ledger, "p", one.id, **BY)
    assert rows.open_on_release(ledger, "p", "B") == []
    assert rows.open_on_release(ledger, "p", "B", since=T0) == [one.id]


def test_listeners_miss_no_change(ledger: Ledger) -> None:
    mark = rows.newest_change(ledger, "p")
    one = opened(ledger)
    ((seen, first),) = rows.changed_since(ledger, "p", mark)
    assert first.id == one.id
    assert rows.changed_since(ledger, "p", seen) == []
    incidents.comment(ledger, "p", one.id, "hm", **BY)
    ((later, _),) = rows.changed_since(ledger, "p", seen)
    assert later > seen
