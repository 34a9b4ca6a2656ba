"""E-mail, by SMTP."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate
from typing import ClassVar, Final, Literal

from homeostat.act.notifiers.notifier import Delivery, Message, setting
from homeostat.act.notifiers.outbound import Door, Unsent

_SECONDS: Final = 15.0


@dataclass(frozen=True, slots=True)
class Email:
    """A mail to some people. Its Message-ID is made of the key, so that mail programs show it once.

    Reference: RFC 5321, RFC 5322.
    """

    kind: ClassVar[str] = "email"
    settles: ClassVar[tuple[str, ...]] = ()
    host: str = setting("The SMTP server.")
    sender: str = setting("From whom.")
    to: tuple[str, ...] = setting("To whom.")
    port: int = setting("Its port.", default=587)
    security: Literal["starttls", "tls", "none"] = setting("starttls, tls, or none.", default="starttls")
    user: str = setting("Who signs in; empty: nobody.", default="")
    password: str = setting("With what.", secret=True, default="")

    def tell(self, message: Message, door: Door) -> Delivery:
        """Send it."""
        place = door.place(self.host, self.port)
        if isinstance(place, Unsent):
            return Delivery(False, retry=place.retry, error=place.error)
        try:
            with self._connected(place) as server:
                refused = server.send_message(self._mail(message))
        except smtplib.SMTPResponseException as error:
            # 4xx is "later" in SMTP; what the server wrote is not told, it may echo what we sent.
            return Delivery(False, retry=error.smtp_code < 500, error=f"the mail server answered {error.smtp_code}")
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            return Delivery(False, retry=min(codes, default=500) < 500, error="the mail server refuses the receivers")
        except (smtplib.SMTPException, OSError, ValueError) as error:
            return Delivery(False, retry=True, error=f"the mail server cannot be reached ({type(error).__name__})")
        return Delivery(True, error=f"{len(refused)} receivers were refused" if refused else "")

    def _connected(self, place: str) -> smtplib.SMTP:
        secure = ssl.create_default_context()
        server = (
            smtplib.SMTP_SSL(timeout=_SECONDS, context=secure)
            if self.security == "tls"
            else smtplib.SMTP(timeout=_SECONDS)
        )
        # We connect to the address that was checked; the certificate is still that of the name.
        server._host = self.host  # type: ignore[attr-defined]
        server.connect(place, self.port)
        if self.security == "starttls":
            server.starttls(context=secure)
        if self.user:
            server.login(self.user, self.password)
        return server

    def _mail(self, message: Message) -> EmailMessage:
        mail = EmailMessage()
        mail["Subject"] = " ".join(message.subject.split())[:200]
        mail["From"] = Address("Homeostat", addr_spec=self.sender)
        mail["To"] = ", ".join(self.to)
        mail["Date"] = formatdate(localtime=False)
        mail["Message-ID"] = f"<{message.key}@homeostat>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content("\n\n".join(message.lines) + "\n")
        return mail
