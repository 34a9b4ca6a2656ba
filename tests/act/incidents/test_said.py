from __future__ import annotations

from homeostat.act import incidents
from homeostat.records.incident import Incident
from homeostat.store.ledger import Ledger
from homeostat.store.ledger import incidents as rows
from tests.act.found import HOUR, MINUTE, T0, finding, kept

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
    assert after is not None and after.findings == (*one.findings, *other.findings)
    gone = rows.get(ledger, "p", other.id)
    assert gone is not None and (gone.state, gone.merged_into) == ("closed", one.id)
    # What belongs to the one that is gone goes to the one that is left from now on.
    found = kept(ledger, finding("mean(score.safety)", onset=T0 + 6 * HOUR))
    assert [each.id for each in incidents.take(ledger, "p", found, at=T0 + 7 * HOUR)] == [one.id]
    assert incidents.merge(ledger, "p", one.id, one.id, **BY) is None
    assert incidents.merge(ledger, "p", other.id, one.id, **BY) is None
    assert incidents.reopen(ledger, "p", other.id, **BY) is None


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
