"""Secrets in text that others wrote: exceptions of libraries quote the URLs and headers that they were given.

What is found is taken out wherever such text is recorded or told, whoever asked for what.
"""

from __future__ import annotations

import re

_HIDDEN = "***"
# Texts may be long, and hostile: each pattern begins where another character stands before, or with a word of its own,
# so that no text is looked through again from each of its characters.
_IN_URLS = re.compile(
    r"(?P<kept>(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,30}://)[^\s/?#'\"<>@]*(?:@[^\s/?#'\"<>@]*)*@"
)
"""User and password; a password that isn't escaped may hold an @ of its own."""
_NAMED = re.compile(
    r"(?P<kept>(?<![a-z])(?:(?:ssl|pg)?password|passwd|pwd|secret|token|api[_-]?key|access[_-]?key|sig|signature)"
    r"['\"]?\s*[=:]\s*['\"]?)[^\s&;,'\"]+",
    re.IGNORECASE,
)
"""``token=...`` in a query, ``password: ...`` in a list of settings."""
_IN_HEADERS = re.compile(
    r"(?P<kept>\bauthorization['\"]?\s*:\s*['\"]?\w+\s+|\bbearer\s+)[A-Za-z0-9+/=._~-]{8,}", re.IGNORECASE
)
_TOKENS = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{20,}|hf_[A-Za-z0-9]{20,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}|xox[abprs]-[A-Za-z0-9-]{10,})"
)
"""By the beginnings that GitHub, GitLab, Hugging Face, Amazon and Slack give theirs."""


def without_credentials(text: str) -> str:
    """The text with ``***`` in the place of passwords and tokens, as far as they can be told from other words."""
    text = _IN_URLS.sub(rf"\g<kept>{_HIDDEN}@", text)
    for pattern in (_IN_HEADERS, _NAMED):
        text = pattern.sub(rf"\g<kept>{_HIDDEN}", text)
    return _TOKENS.sub(_HIDDEN, text)
