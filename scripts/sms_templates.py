"""Writes config/sms_templates.toml anew from the catalogue: the texts to submit for approval."""

import re
from pathlib import Path

from volunteer_hub.core.i18n import catalogue
from volunteer_hub.notify.rules import Kind
from volunteer_hub.notify.templates import MARKERS, needed

TARGET = Path(__file__).resolve().parents[1] / "config" / "sms_templates.toml"
SIGNATURE, DOMAIN = "志愿服务", "https://hub.example.org"
PATHS = {
    "survey": "/s/${link}",
    "survey_reminder": "/s/${link}",
    "welcome": "/me",
    "certification": "/me",
    "heard": "/h/${link}",
    "deduction": "/me/points",
    "deduction_confirmed": "/me/points",
    "deduction_given_back": "/me/points",
    "gift_given": "/me/give",
    "gift_received": "/me/give",
    "gift_waits": "/me/give",
    "gift_refused": "/me/give",
}
BEHIND_LINK = {
    "note": {"en": "There is a message for you: {link}", "zh": "有给您的新消息，请查看：{link}"},
}
"""Words that somebody wrote cannot be in an approved text: the person reads them behind the link."""
HEAD = f"""# Text messages by approved template, for HUB_SMS_URL=template+https://... (docs/configuration.md).
# Put your signature and domain in place of these, submit each text, and enter the id it is approved under.

signature = "{SIGNATURE}"
longest_variable = 35                   # carriers refuse longer ones; a longer fact is cut
"""


def text(purpose: str, kind: object, lang: str) -> str:
    """The text of one template."""
    words = BEHIND_LINK.get(purpose, {}).get(lang) or str(catalogue(lang)[f"message.{purpose}.short"])
    path = "/me" if purpose in BEHIND_LINK and kind is Kind.NONE else PATHS.get(purpose, "/c/${link}")
    words = words.replace("{link}", DOMAIN + path)
    words = re.sub(r"(?<!\$)\{(\w+)\}", r"${\1}", words)
    return f"【{SIGNATURE}】{MARKERS[kind][lang]}{words}"


def rendered() -> str:
    """The whole file."""
    parts = [HEAD]
    for purpose, kind, lang in needed():
        parts.append(f'[templates.{purpose}.{kind}.{lang}]\nid = ""\ntext = "{text(purpose, kind, lang)}"\n')
    return "\n".join(parts)


if __name__ == "__main__":
    TARGET.write_text(rendered(), encoding="utf-8")
