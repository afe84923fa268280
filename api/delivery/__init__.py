"""Advisories on their way from the outbox to extension officers."""
