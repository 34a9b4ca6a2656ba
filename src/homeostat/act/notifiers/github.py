"""An issue on GitHub for each incident: opened, commented, closed, opened again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final
from urllib.parse import quote

from homeostat.act.notifiers.notifier import Delivery, Message, Told, setting
from homeostat.act.notifiers.outbound import Door, Unsent
from homeostat.act.notifiers.reading import as_json, content, delivery

_PAGES: Final = 3


class _Failed(Exception):
    """A request did not succeed."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery


@dataclass(frozen=True, slots=True)
class GitHub:
    """One issue an incident. Every issue and comment carries a mark, and what is there already is not written again.

    Reference: https://docs.github.com/en/rest/issues
    """

    kind: ClassVar[str] = "github"
    settles: ClassVar[tuple[str, ...]] = ("closed",)
    repository: str = setting("owner/name.")
    token: str = setting("A token that may write issues of this repository.", secret=True)
    label: str = setting("The label of its issues.", default="homeostat")
    url: str = setting("Where the API is.", default="https://api.github.com")

    def tell(self, message: Message, door: Door) -> Delivery:
        """Bring each incident's issue up to date."""
        talk = _Talk(self, door)
        handles: dict[int, str] = {}
        counted: dict[int, int] = {}
        try:
            for each in message.told:
                # What is said about another incident may be taken out of a message that comes again.
                order = counted[each.incident] = counted.get(each.incident, -1) + 1
                number = message.handles.get(each.incident) or handles.get(each.incident, "")
                handles[each.incident] = self._told(talk, message, each, number, f"{message.key}-{order}")
        except _Failed as failed:
            return failed.delivery
        return Delivery(True, handles=handles)

    def _told(self, talk: _Talk, message: Message, told: Told, number: str, key: str) -> str:
        mark = f"<!-- homeostat:{message.project}/{told.incident} -->"
        number = number or talk.find(mark)
        body = f"{told.title}.\n\n{told.text}\n\n{told.link}".strip()
        if not number:
            made = talk.ask("POST", "issues", {"title": told.title[:250], "body": f"{body}\n\n{mark}\n<!-- {key} -->",
                                               "labels": [self.label]})  # fmt: skip
            number = str(made.get("number", ""))
        elif not talk.said(number, key):
            talk.ask("POST", f"issues/{number}/comments", {"body": f"**{told.kind}** · {body}\n\n<!-- {key} -->"})
        if told.kind in ("closed", "reopened", "unsilenced"):
            talk.ask("PATCH", f"issues/{number}", {"state": "closed" if told.kind == "closed" else "open"})
        return number


@dataclass(frozen=True, slots=True)
class _Talk:
    """Requests to one repository."""

    github: GitHub
    door: Door
    made: list[str] = field(default_factory=list)

    def find(self, mark: str) -> str:
        """The number of the issue with this mark; empty: there is none."""
        label = quote(self.github.label, safe="")
        for item in self._pages(f"issues?state=all&labels={label}&per_page=100"):
            if mark in str(item.get("body") or ""):
                return str(item.get("number", ""))
        return ""

    def said(self, number: str, key: str) -> bool:
        """Whether the issue or a comment of it carries this key."""
        first = self.ask("GET", f"issues/{number}")
        if key in str(first.get("body") or ""):
            return True
        return any(key in str(item.get("body") or "") for item in self._pages(f"issues/{number}/comments?per_page=100"))

    def _pages(self, path: str) -> Iterator[Mapping[str, Any]]:
        for page in range(1, _PAGES + 1):
            found = self.ask("GET", f"{path}&page={page}")
            items = found.get("items", [])
            yield from (item for item in items if isinstance(item, dict))
            if len(items) < 100:
                return

    def ask(self, method: str, path: str, said: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The JSON of the answer, a list under `items`. Raises _Failed."""
        github = self.github
        headers = {
            "authorization": f"Bearer {github.token}", "accept": "application/vnd.github+json",
            "user-agent": "homeostat", "content-type": "application/json",
        }  # fmt: skip
        url = f"{github.url.rstrip('/')}/repos/{quote(github.repository, safe='/')}/{path}"
        answer = self.door.send(method, url, headers=headers, content=b"" if said is None else content(said))
        done = delivery(answer)
        if not done.ok or isinstance(answer, Unsent):
            raise _Failed(done)
        found = as_json(answer)
        if isinstance(found, list):
            return {"items": found}
        if not isinstance(found, dict):
            raise _Failed(Delivery(False, retry=True, error="the receiver's answer is not JSON"))
        return found
