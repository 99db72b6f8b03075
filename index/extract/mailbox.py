"""Mailboxes (MBOX), registered apart from single messages."""

from index.extract.mail import read_mailbox as read

__all__ = ["read"]
