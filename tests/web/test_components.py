"""Every component escapes, keeps to one language, and needs neither inline style nor script."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from babel.messages.pofile import read_po
from jinja2 import UndefinedError

from tests.web.markup import Tags
from volunteer_hub.core.i18n import LOCALE, Text
from volunteer_hub.web.render import CRITICAL_STYLE, STATIC, WEB, environment

TEMPLATES = WEB / "templates"
COMPONENTS = sorted(path.name for path in (TEMPLATES / "components").glob("*.html"))
SHANGHAI = "Asia/Shanghai"
NIGHT = datetime(2026, 3, 13, 19, 0, tzinfo=UTC)  # Saturday 14 March, 03:00 in Daqing
HOSTILE = "<script>alert(1)</script>"
CSS = (STATIC / "hub.css").read_text()

PERSON = dict.fromkeys(("name", "href", "skills", "distance", "word", "contact"), HOSTILE)
CALLOUT = {
    **dict.fromkeys(("what", "place", "role", "bring", "danger", "cover", "going", "leader", "why"), HOSTILE),
    **{"start": NIGHT, "end": NIGHT, "answer_by": NIGHT, "distance_km": 1.8},
}
CALLS = {
    "ahead.ahead_of": "ahead_of({'people': 3, 'by': [(h, 2)], 'cost': h, 'parts': 1, 'unreachable': 1, "
    "'approved': true, 'behind_link': true, 'read_as': [('zh', h)]})",
    "answer_curve.answer_curve": "answer_curve(h, [(0, 0), (9, 4)], [(0, 0, 0), (9, 2, 6)], [(0, h)], "
    "(8, h), 5, 10, h)",
    "band.band": "band('real', h, both=true)",
    "band.tag": "tag('drill')",
    "callout_card.callout_card": "callout_card(callout, h, {h: h}, [(h, h)])",
    "callout_card.on_map": "on_map(h)",
    "map.area_picture": "area_picture({'height': 9, 'outlines': [{'path': '/1/', 'rings': [[(0, 1)]], "
    "'x': 1, 'y': 2}]}, h, {'/1/': {'en': h, 'zh': h}}, {'/1/': 2}, {'/1/': h}, {'/1/': 7})",
    "map.area_map": "area_map({'height': 9, 'outlines': [], 'corners': (1, 2, 3, 4)}, h, {}, {}, "
    "{'url': h, 'credit': h})",
    "map.label": "label(1, 2, h)",
    "map.shades": "shades('readiness.step')",
    "map.stretch": "stretch([[(0, 1), (2, 3), (4, 5)]], 'real', h)",
    "offline.offline": "offline()",
    "own_result.own_result": "own_result({'seconds': 192, 'team': 71}, 15)",
    "steps.easy": "easy([{'drill': true, 'title': h, 'at': night, 'week_only': false, 'place': h}], night)",
    "steps.steps": "steps([{'step': {'value': 'mentor'}, 'mark': {'value': 'now'}}])",
    "sitting.sitting": "sitting({'state': {'value': 'waiting'}, 'check_in': true, 'open': true, 'free': 0, "
    "'waiting': 2, 'offered': {'name': {'en': h, 'zh': h}}, 'session': {'public_id': h, 'starts_at': night, "
    "'ends_at': night, 'place': h, 'trainer': h, 'words': h}}, night)",
    "lesson.lesson_words": "lesson_words([{'kind': {'value': 'heading'}, 'lines': [h]}, {'kind': {'value': "
    "'list'}, 'lines': [h, h]}, {'kind': {'value': 'steps'}, 'lines': [h]}, "
    "{'kind': {'value': 'paragraph'}, 'lines': [h, h]}])",
    "lesson.lesson_files": "lesson_files([{'public_id': h, 'name': h, 'media_type': 'image/png', "
    "'size': 99}], '/x')",
    "lesson_form.lesson_fields": "lesson_fields({'title_en': h, 'title_zh': h, 'text_en': h, 'text_zh': h}, "
    "{'title_en': h, 'title_zh': h, 'text_en': h, 'text_zh': h})",
    "recognised.recognised": "recognised({'people': [{'name': h, 'area': {'en': h, 'zh': h}, "
    "'given': {'minutes': 60, 'asked': 90, 'per_mille': 666}}], 'communities': [], 'teams': [{'task': h, "
    "'incident': h, 'area': {'en': h, 'zh': h}, 'people': 4, 'given': {'minutes': 60, 'asked': 90, "
    "'per_mille': 666}}], 'rules': {'people': 3, 'teams': 3, 'least_people': 3, 'communities': 3, "
    "'least_hours': 2, 'least_offers': 1}})",
    "badges.badges": "badges([{'badge': {'name': {'en': h, 'zh': h}, 'fact': {'value': 'nights'}, "
    "'count': 10}, 'at': night}])",
    "badges.badge_rules": "badge_rules([{'name': {'en': h, 'zh': h}, 'fact': {'value': 'hazards'}, "
    "'count': 5}])",
    "response_curve.response_curve": "response_curve(h, [(3, 1), (9, 4)], (5, 15), 5, 16, h)",
    "coverage.coverage_bar": "coverage_bar(h, h, 2, 3, 4, 1, 1, 1, h, h)",
    "coverage.coverage_legend": "coverage_legend()",
    "difference.difference": "difference([{'who': h, 'before': h, 'after': h, 'why': h}], h, {h: h})",
    "form.button": "button(h, 'primary', h, h, 'check', attrs={'title': h})",
    "form.checkbox": "checkbox(h, h, true, h, h)",
    "form.choices": "choices(h, h, [(h, h)], h, h, h)",
    "form.error_summary": "error_summary([(h, h)])",
    "form.field": "field(h, h, h, 'text', h, h, attrs={'title': h})",
    "form.link_button": "link_button(h, h)",
    "form.select": "select(h, h, [(h, h)], h, h, h)",
    "form.textarea": "textarea(h, h, h, h, h)",
    "evaluation.rate": "rate('/x', [('aid', h)], [('yes', h)], h, {'aid': 'yes'}, h, h, h, {'duty': h})",
    "evaluation.said": "said({'facts': {'title': both}, 'by': h, 'marks': [(both, {'value': 'partly'})], "
    "'row': {'written_at': night, 'words': h, 'reply': h, 'public_id': 'a'}}, '/x', night, h)",
    "evaluation.suggested": "suggested([{'text': both, 'criterion': both, 'times': 2, 'days': 180, "
    "'course': 'aid', 'course_name': both}], true)",
    "funnel.funnel": "funnel([{'label': h, 'count': 9, 'href': h, 'lost': ''}, "
    "{'label': h, 'count': 3, 'href': h, 'lost': h}], h)",
    "harm.harm_fields": "harm_fields({'kind': [(h, h)], 'severity': [(h, h)], 'treated': [(h, h)]}, "
    "{'words': h, 'place': h}, {'kind': h, 'words': h, 'place': h}, h)",
    "icons.icon": "icon('bell')",
    "icons.mark": "mark()",
    "person.load": "load(3, 1)",
    "person.person_row": "person_row(person)",
    "person.person_table": "person_table([person], h)",
    "reader.language_switch": "language_switch(here)",
    "reader.theme_switch": "theme_switch(here, 'dark')",
    "reason.reason": "reason(h, [(h, h)], h)",
    "screen.screen": "screen({'seconds': 60}, h, h)",
    "sheet.facts": "facts([(h, h), (h, '')])",
    "sheet.grid": "grid(h, [h, h], [[h, h]], 1)",
    "sheet.head": "head(h, {'incident': {'title': h}, 'period': (night, night)}, h, night, [(h, h)])",
    "sheet.prepared": "prepared({'name': h})",
    "sheet.stamp": "stamp(night)",
    "state.empty": "empty(h, h, h, h)",
    "state.notice": "notice('short', h, h, live=true)",
    "state.state": "state('ok', h)",
    "stream.stream": "stream(h)",
    "table.pagination": "pagination(h, h, h)",
    "table.table": "table(h, [{'key': 'a', 'label': h}, {'key': 'b', 'label': h, 'number': true}], "
    "[{'a': h, 'a_href': h, 'b': h}], h)",
    "timeline.timeline": "timeline([{'at': night, 'what': h, 'by': h}], h)",
}

IN_BOTH = {"reader.language_switch", "band.band", "screen.screen", "lesson.lesson_files"}


def rendered(call: str, lang: str = "en", given: str = HOSTILE) -> str:
    file, macro = call.split(".")
    person = {**dict.fromkeys(PERSON, given), "tone": "ok", "asked": 4, "served": 1}
    callout = {key: given if value == HOSTILE else value for key, value in CALLOUT.items()}
    callout["why_facts"] = [(given, given)]
    source = '{% from "components/' + file + '.html" import ' + macro + " %}{{ " + CALLS[call] + " }}"
    return (
        environment(lang, SHANGHAI)
        .from_string(source)
        .render(
            h=given,
            person=person,
            callout=callout,
            night=NIGHT,
            here=lambda **_: f"/?{given}",
            both={"en": given, "zh": given},
        )
    )


def test_every_component_is_among_those_tested_here():
    macros = set()
    for name in COMPONENTS:
        found = re.findall(r"{% macro ([a-z]\w*)\(", (TEMPLATES / "components" / name).read_text())
        macros |= {f"{name.removesuffix('.html')}.{macro}" for macro in found}
    assert macros == set(CALLS)


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("call", sorted(CALLS))
def test_a_component_escapes_what_people_wrote_and_needs_no_inline_style_or_script(call, lang):
    html = rendered(call, lang)
    assert "<script" not in html
    for tag, attributes in Tags(html).seen:
        assert tag not in {"script", "style"}
        assert not [name for name in attributes if name == "style" or name.startswith("on")]


@pytest.mark.parametrize("call", sorted(set(CALLS) - IN_BOTH))
def test_a_component_in_english_holds_no_chinese_and_the_reverse_no_english_words(call):
    assert re.findall(r"[\u4e00-\u9fff]+", rendered(call, "en", given="x")) == []
    if call in {"icons.icon", "icons.mark"}:
        return
    words = re.sub(r"<[^>]*>", " ", rendered(call, "zh", given="9"))
    assert re.findall(r"[A-Za-z]{2,}", words) == []


def coverage(minimum: int, target: int, on_site: int, accepted: int) -> str:
    source = '{% from "components/coverage.html" import coverage_bar %}{{ coverage_bar("a", "Drivers", ' + (
        f"{minimum}, {target}, 8, {on_site}, {accepted}) }}}}"
    )
    words = re.search(
        r'class="words">(.*?)</span>\s*<svg role', environment("en").from_string(source).render(), re.S
    )
    assert words
    return " ".join(re.sub(r"<[^>]+>", "", words[1]).split())


def test_coverage_is_said_in_words():
    assert coverage(4, 6, 0, 1) == "1 of 6 3 short of the minimum"
    assert coverage(4, 6, 2, 2) == "4 of 6 minimum met"
    assert coverage(4, 6, 5, 1) == "6 of 6 met"


def test_a_coverage_bar_with_no_places_and_one_overfull_stay_inside_the_bar():
    for call in ("coverage_bar('a', 'x', 0, 0, 0)", "coverage_bar('a', 'x', 1, 2, 3, 5, 2, 9)"):
        source = '{% from "components/coverage.html" import coverage_bar %}{{ ' + call + " }}"
        widths = re.findall(r'(?:x|width|x1)="([\d.]+)%"', environment("en").from_string(source).render())
        assert max(float(width) for width in widths) <= 100


def test_an_empty_table_teaches_instead():
    source = (
        '{% from "components/table.html" import table %}{{ table("Drills", [], [], "Plan the first drill") }}'
    )
    assert environment("en").from_string(source).render().strip() == "Plan the first drill"


def test_a_name_a_page_forgot_to_give_is_an_error_and_not_a_gap():
    with pytest.raises(UndefinedError):
        environment("en").from_string("{{ forgotten }}").render()


def test_lazy_texts_and_configured_names_come_out_in_the_readers_language():
    template = "{{ text }} {{ {'en': 'Flood', 'zh': '内涝'} | named }}"
    said = [environment(lang).from_string(template).render(text=Text("ui.today")) for lang in ("en", "zh")]
    assert said == ["today Flood", "今天 内涝"]


def classes_in(css: str) -> set[str]:
    return set(re.findall(r"\.([a-z][\w-]*)(?=[^{}]*{)", css))


@pytest.mark.parametrize(
    "call",
    [
        "callout_card.callout_card",
        "form.choices",
        "form.select",
        "state.notice",
        "reason.reason",
        "band.band",
        "form.error_summary",
    ],
)
def test_the_style_inlined_on_phones_covers_what_phones_show(call):
    used = {
        name
        for _, attributes in Tags(rendered(call)).seen
        for name in (attributes.get("class") or "").split()
    }
    assert sorted((used & classes_in(CSS)) - classes_in(CRITICAL_STYLE)) == []


# -- the catalogue -----------------------------------------------------------------------------------------


def entries(lang: str) -> dict[str, set[str]]:
    """Key -> placeholders."""
    found = {}
    with (LOCALE / lang / "ui.po").open("rb") as file:
        for message in read_po(file):
            key = message.id if isinstance(message.id, str) else message.id[0]
            texts = [message.string] if isinstance(message.string, str) else list(message.string)
            if key:
                assert all(texts), key
                found[key] = {name for text in texts for name in re.findall(r"{(\w+)}", text)}
    return found


def test_both_languages_hold_the_same_keys_with_the_same_placeholders():
    assert entries("en") == entries("zh")


def test_every_text_of_the_catalogue_is_used_and_every_used_text_is_there():
    sources = "".join(path.read_text() for path in [*TEMPLATES.rglob("*.html"), Path(WEB / "render.py")])
    keys = entries("en").keys()
    whole = set(re.findall(r"\"(ui\.[\w.]*\w)\"", sources))
    stems = tuple(re.findall(r"\"(ui\.[\w.]*\.)\"", sources))
    assert sorted(whole - keys) == []
    assert sorted(key for key in keys - whole if not key.startswith(stems)) == []
