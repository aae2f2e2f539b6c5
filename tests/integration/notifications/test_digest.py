"""Many burn-ins that end together are one mail, and stay that one whatever fails."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from audit.models import AuditEvent
from notifications import sending
from notifications.models import Delivery
from tests.integration.notifications.deliveries import make_due, read, states
from tests.integration.notifications.servers import MailServer

pytestmark = pytest.mark.django_db
Ends = Callable[..., AuditEvent]
State = Delivery.State


def five_put_off(ends: Ends, mail_at: Callable[..., MailServer]) -> MailServer:
    """Five that end together; the mail server wants their mail later."""
    server = mail_at()
    for number in range(5):
        ends("failed", f"sd{number}")
    server.answer = "451 4.3.0 later"
    read()
    make_due()
    sending.work("mail")
    return server


def test_a_few_are_a_mail_each_and_many_are_one(
    ends: Ends, mail_at: Callable[..., MailServer]
) -> None:
    server = mail_at()
    for number in range(3):
        ends("failed", f"sd{number}")
    read()
    sending.work("mail")
    assert server.mails == []  # they wait for others that end together with them
    make_due()
    sending.work("mail")
    assert sorted(mail["Subject"] for mail in server.mails) == [
        "sd0 failed", "sd1 failed", "sd2 failed",
    ]  # fmt: skip
    server.mails.clear()
    for number in range(3, 15):
        ends("failed", f"sd{number}")
    read()
    make_due()
    sending.work("mail")
    assert [mail["Subject"] for mail in server.mails] == ["12 burn-ins ended: 12 failed"]
    assert set(states("mail")) == {"sent"}


def test_a_batch_that_failed_is_tried_again_as_the_same_mail(
    ends: Ends, mail_at: Callable[..., MailServer]
) -> None:
    server = five_put_off(ends, mail_at)
    ends("failed", "sdz")
    server.answer = "250 OK"
    read()
    make_due()
    sending.work("mail")
    assert sorted(mail["Subject"] for mail in server.mails) == [
        "5 burn-ins ended: 5 failed", "sdz failed",
    ]  # fmt: skip


def test_one_that_was_tried_alone_is_told_again_alone(
    ends: Ends, mail_at: Callable[..., MailServer]
) -> None:
    """It may have arrived: by its Message-ID the other side can tell that it is the same."""
    server = mail_at()
    ends("failed", "sda")
    server.answer = "451 4.3.0 later"
    read()
    make_due()
    sending.work("mail")
    tried = Delivery.objects.get(channel="mail")
    for number in range(5):
        ends("failed", f"sd{number}")
    read()
    server.answer = "250 OK"
    for _ in range(2):  # also after somebody has asked for it, which begins to count anew
        assert sending.send_again(tried.pk)
        make_due()
        sending.work("mail")
        Delivery.objects.filter(pk=tried.pk).update(state=State.FAILED, said="it was lost")
    ids = {mail["Subject"]: mail["Message-ID"] for mail in server.mails}
    assert set(ids) == {"sda failed", "5 burn-ins ended: 5 failed"}
    assert ids["sda failed"] == f"<{tried.key}@localhost>"
    assert len(server.mails) == 3


def test_sending_one_of_many_again_sends_them_all_as_the_same_mail(
    ends: Ends, mail_at: Callable[..., MailServer]
) -> None:
    """Half of them under the same Message-ID would hide the other half from who has seen it."""
    server = five_put_off(ends, mail_at)
    Delivery.objects.filter(channel="mail").update(state=State.FAILED)
    one = Delivery.objects.filter(channel="mail").last()
    server.answer = "250 OK"
    assert one is not None and sending.send_again(one.pk)
    sending.work("mail")
    (mail,) = server.mails
    assert (mail["Subject"], mail["Message-ID"]) == (
        "5 burn-ins ended: 5 failed", f"<{one.batch}@localhost>",
    )  # fmt: skip
    assert set(states("mail")) == {"sent"}
