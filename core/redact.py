"""Addresses without their credentials, for names, logs, titles and files."""

from __future__ import annotations

import re

MASK = "***"

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://[^\s'\"<>]+")
# Some cameras take the login in the path (rtsp://host/user=admin_password=x_channel=1.sdp).
_NAMES = "user(?:name)?|usr|login|pass(?:word|wd|phrase)?|pwd|psw|token|secret|auth|key|sig(?:nature)?|credentials?"
_SECRET = re.compile(rf"(?i)(?<![a-z])({_NAMES})=([^&;/?#]*?)(?=[&;/?#]|_[a-z]+=|$)")


def redact_url(address: str) -> str:
    """The address with everything replaced that could be a credential.

    User and password before an ``@`` go (also when they hold an unescaped ``/``, ``?`` or ``@``), and so do all values
    of the query and values of suspicious names in the path. A string that is no URL comes back unchanged.
    """
    scheme, separator, rest = address.partition("://")
    if not separator:
        return address
    # A password may hold '/', '?' or '#' unescaped: everything up to the last '@' counts as credentials.
    _, at, after = rest.rpartition("@")
    rest = f"{MASK}@{after}" if at else rest
    rest, question, query = rest.partition("?")
    rest = _SECRET.sub(rf"\1={MASK}", rest)
    if question:
        query = re.sub(r"=[^&;#]*", f"={MASK}", query) if "=" in query else MASK
    return f"{scheme}://{rest}{question}{query}"


def redact_text(text: str) -> str:
    """A sentence with every URL in it redacted."""
    return _URL.sub(lambda match: redact_url(match.group()), text)
