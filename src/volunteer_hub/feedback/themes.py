"""What people wrote about, by keywords of config/surveys.toml in both languages. Pure."""

import re
from functools import lru_cache

from volunteer_hub.feedback.policy import Theme


def touches(theme: Theme, *texts: str) -> bool:
    """Whether any of a person's texts holds a keyword of the theme: a Latin one as the beginning of a word,
    in any case; a Chinese one anywhere, because words are not parted there."""
    return any(_pattern(theme).search(text) is not None for text in texts)


@lru_cache(maxsize=200)
def _pattern(theme: Theme) -> re.Pattern[str]:
    latin = "|".join(map(re.escape, theme.keywords.en))
    chinese = "|".join(map(re.escape, theme.keywords.zh))
    return re.compile(rf"(?<!\w)(?:{latin})|(?:{chinese})", re.IGNORECASE)
