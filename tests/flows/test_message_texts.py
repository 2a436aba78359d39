"""The words of messages: both languages take the same facts, and text messages are short."""

from string import Formatter

import pytest

from volunteer_hub.core.i18n import catalogue, has
from volunteer_hub.notify import cost, texts
from volunteer_hub.notify.rules import VOICED, Channel, Kind

TO_VOLUNTEERS = (
    *("offer", "reminder", "accepted", "standing_by", "promoted", "stood_down", "cancelled", "changed"),
    *("released", "survey", "survey_reminder", "certification", "no_show", "login_code"),
    *("ok_reminder", "evacuate", "heard", "note", "hours_held", "hours_decided"),
    *("training_promoted", "training_changed", "training_cancelled", "training_passed"),
    *("training_refresher", "training_suspended", "training_restored"),
    *("mentor_asked", "mentor_agreed"),
    *("deduction", "deduction_confirmed", "deduction_given_back"),
    *("gift_given", "gift_received", "gift_waits", "gift_refused"),
)
TO_STAFF = (
    "alert_gap",
    "alert_late_withdrawal",
    "second_person",
    "alert_ok_overdue",
    "alert_injury",
    "alert_replan",
    "alert_replanned",
    *("action_assigned", "action_unowned", "action_due", "action_overdue", "action_escalated"),
    *("action_decide", "action_tested", "action_held", "debrief_asked", "debrief_reminder"),
)
FACTS = {
    "task": {"en": "Sandbags at Dongfeng Street", "zh": "东风街口装填沙袋"},
    "title": "东风街口内涝",
    "place": "东风街口",
    "role": {"en": "helper", "zh": "一般协助"},
    "course": {"en": "First aid", "zh": "急救"},
    "skill": {"en": "first aid", "zh": "急救"},
    "starts_at": "2031-12-20T03:00:00+00:00",
    "ends_at": "2031-12-20T07:00:00+00:00",
    "answer_by_at": "2031-12-20T02:30:00+00:00",
    "zone": "Asia/Shanghai",
    "expires_on": "2031-12-31",
    "missing": 3,
    "moved": 1,
    "people": 63,
    "said": {"en": "3 people change, 2 gaps close", "zh": "3 人变动，补上 2 个空缺"},
    "news": {"en": "2 people declined", "zh": "2 人谢绝"},
    "due_at": "2031-12-20T04:00:00+00:00",
    "what": {"en": "injury", "zh": "受伤"},
    "minutes": 185,
    "points": 30,
    "area": {"en": "Dongfeng", "zh": "东风社区"},
    "until_at": "2031-12-31T04:00:00+00:00",
    "result": {"en": "Accepted: 185 min, 30 points.", "zh": "认可185分钟，计30分。"},
    "why": "The telephone was at home.",
    "changed": "Lamps are kept at every gate.",
    "state": {"en": "Proven", "zh": "已验证"},
    "how_bad": {"en": "serious", "zh": "严重"},
}
PERSONAL = {
    "name": "王秀英",
    "link": "https://hub.dq.cn/c/" + "a" * 22,
    "code": "123456",
    "leader": "陈梅",
    "letter": "A",
    "text": "封路，请走北门",
}


def said(purpose: str, channel: Channel, lang: str, kind: Kind = Kind.REAL) -> texts.Rendered:
    """One message."""
    return texts.render(purpose, channel, lang, kind, dict(FACTS), dict(PERSONAL))


@pytest.mark.parametrize("purpose", TO_VOLUNTEERS)
def test_a_chinese_text_message_is_one_part_and_a_question_with_its_choices_two(purpose: str) -> None:
    body = said(purpose, Channel.SMS, "zh").body
    assert cost.parts(body) <= (2 if purpose in ("offer", "reminder") else 1)


@pytest.mark.parametrize("purpose", TO_VOLUNTEERS)
def test_an_english_text_message_is_one_part_of_a_hundred_and_sixty(purpose: str) -> None:
    assert len(said(purpose, Channel.SMS, "en").body) <= 160


@pytest.mark.parametrize("purpose", TO_VOLUNTEERS + TO_STAFF)
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_real_or_drill_comes_first_in_subject_and_body(purpose: str, lang: str) -> None:
    markers = {"en": ("REAL CALLOUT: ", "DRILL: "), "zh": ("【实战】", "【演练】")}[lang]
    for kind, words in zip((Kind.REAL, Kind.DRILL, Kind.NONE), (*markers, ""), strict=True):
        for channel in (Channel.SMS, Channel.EMAIL):
            letter = said(purpose, channel, lang, kind)
            plain = said(purpose, channel, lang, Kind.NONE)
            assert (letter.subject, letter.body) == (words + plain.subject, words + plain.body)


@pytest.mark.parametrize("purpose", TO_VOLUNTEERS + TO_STAFF)
@pytest.mark.parametrize("part", ["subject", "short", "email", "voice"])
def test_both_languages_take_the_same_facts(purpose: str, part: str) -> None:
    key = f"message.{purpose}.{part}"
    if part == "voice" and purpose not in VOICED:
        assert not has("en", key)
        return
    taken = [
        {name for _, name, _, _ in Formatter().parse(str(catalogue(lang)[key]))} for lang in ("en", "zh")
    ]
    assert taken[0] - {None} == taken[1] - {None}


@pytest.mark.parametrize("purpose", sorted(VOICED))
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_call_says_real_or_drill_first_and_is_over_in_half_a_minute(purpose: str, lang: str) -> None:
    first = {
        "en": ("This is a real callout, not a drill. ", "This is a drill. "),
        "zh": ("这是实战召集，不是演练。", "这是演练。"),
    }[lang]
    for kind, words in zip((Kind.REAL, Kind.DRILL), first, strict=True):
        heard = said(purpose, Channel.VOICE, lang, kind).body
        assert heard.startswith(words)
        assert len(heard) <= {"en": 300, "zh": 100}[lang]
        if purpose != "cancelled":
            assert has(lang, f"call.keys.{purpose}")
