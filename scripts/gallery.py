"""Pictures of the design language: `python scripts/gallery.py FOLDER [--only NAME ...]`.

Renders every component and the screens that set the tone with made-up people, in both languages, at phone
and desktop width, light and dark, and photographs them with Chromium. Exits with 1 when a page overflows
sideways, breaks its content security policy or asks another host for anything.
"""

from __future__ import annotations

import argparse
import mimetypes
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, FileSystemLoader
from playwright.sync_api import Browser, Route, sync_playwright
from starlette.requests import Request

from volunteer_hub.web.render import CRITICAL_STYLE_SOURCE, STATIC, Lang, NavEntry, environment, page

PAGES = Path(__file__).parent / "gallery_pages"
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
HOST = "http://hub.example"
ADDRESSES = {"live": "/incidents/7", "new_callout": "/incidents/7/callout"}
ZONE = "Asia/Shanghai"
POLICY = f"default-src 'self'; style-src 'self' {CRITICAL_STYLE_SOURCE}; img-src 'self'"
NIGHT = datetime(2026, 3, 13, 18, 40, tzinfo=UTC)


@dataclass
class Shot:
    """One picture; `problems` are what would embarrass us."""

    name: str
    html: bytes
    width: int
    problems: list[str] = field(default_factory=list)


def sample(lang: Lang) -> dict[str, dict[str, Any]]:
    """Template name -> context, in one language."""

    def say(en: str, zh: str) -> str:
        return en if lang == "en" else zh

    nav = [
        NavEntry("/situation", say("Situation", "态势"), "map"),
        NavEntry("/incidents", say("Incidents", "事件"), "bell"),
        NavEntry("/today", say("Today", "今天"), "clock"),
        NavEntry("/volunteers", say("Volunteers", "志愿者"), "people", say("Pool", "人员库")),
        NavEntry("/readiness", say("Readiness", "备勤"), "shield", say("Pool", "人员库")),
        NavEntry("/training", say("Training", "培训"), "book", say("Pool", "人员库")),
        NavEntry("/drills", say("Drills", "演练"), "flag", say("Learning", "改进")),
        NavEntry("/actions", say("Improvement actions", "改进事项"), "check", say("Learning", "改进")),
        NavEntry("/settings", say("Settings", "设置"), "gear", say("Administration", "管理")),
    ]
    account = {
        "name": say("Mei Chen", "陈梅"),
        "role": say("Coordinator, Saertu", "萨尔图区协调员"),
        "sign_out": "/logout",
    }
    console = {"nav": nav, "account": account}
    minute = timedelta(minutes=1)
    bands = (say("under 1 km", "1公里内"), say("1–3 km", "1–3公里"), say("3–10 km", "3–10公里"))
    skills = (
        say("First aid 2", "急救 2级"),
        say("General helper 1", "一般协助 1级"),
        say("Driver 3", "驾驶 3级"),
    )
    states = (
        ("ok", say("on site", "已到场")),
        ("ok", say("accepted", "已接受")),
        ("watch", say("asked", "已召集")),
        ("info", say("standing by", "候补")),
        ("quiet", say("declined", "已谢绝")),
        ("short", say("not delivered", "未送达")),
    )
    names = ("Bo Wang", "Lin Zhao", "Kai Sun", "Mei Li", "Jun Zhou", "Ya Xu")
    names_zh = ("王博", "赵琳", "孙凯", "李梅", "周军", "许雅")
    people = [
        {
            "name": say(names[i], names_zh[i]),
            "href": "#",
            "skills": skills[i % 3],
            "distance": bands[i % 3],
            "tone": states[i][0],
            "word": states[i][1],
            "contact": say(f"{i + 1} min ago", f"{i + 1}分钟前"),
            "asked": (4, 2, 0, 7, 1, 3)[i],
            "served": (2, 2, 0, 3, 0, 1)[i],
        }
        for i in range(6)
    ]
    callout = {
        "what": say("Sandbagging at Dongfeng Street gate", "东风街口装填沙袋"),
        "start": NIGHT + 20 * minute,
        "end": NIGHT + 260 * minute,
        "place": say("Dongfeng Street gate, Saertu", "萨尔图区东风街口"),
        "distance_km": 1.8,
        "role": say("general helper, level 1", "一般协助，1级"),
        "danger": say("fast water beside the road; stay behind the tape", "路边水流湍急，请勿越过警戒线"),
        "bring": say("gloves, boots, torch", "手套、雨靴、手电筒"),
        "cover": say("insured by the city; tea and a bus home", "市里已投保；有热茶，有车送回"),
        "going": say("6 of 12, Bo among them", "12人中已有6人，王博也去"),
        "leader": say("Mei Chen (number after you accept)", "陈梅（接受后可见电话）"),
        "answer_by": NIGHT + 15 * minute,
        "why": say("You are near, rested and free.", "您在附近、休息充足、且有空。"),
        "why_facts": [
            (say("Distance", "距离"), say("1.8 km on foot", "步行1.8公里")),
            (say("Last served", "上次出勤"), say("19 days ago", "19天前")),
        ],
    }
    steps = [
        {"label": label, "count": count, "href": "#", "lost": lost}
        for label, count, lost in (
            (say("in the pool", "人员库"), 2140, ""),
            (say("reachable", "可联络"), 1310, say("no working address", "无有效联系方式")),
            (say("fit the task", "符合任务"), 412, say("skill, age or insurance", "技能、年龄或保险")),
            (say("free", "有空"), 190, say("busy or resting", "有事或休息")),
            (say("near enough", "足够近"), 96, say("too far by then", "届时赶不到")),
            (say("to ask", "拟召集"), 63, say("kept in reserve", "留作预备")),
        )
    ]
    changes = [
        {
            "who": say("Bo Wang", "王博"),
            "before": say("Sandbags, Dongfeng St", "沙袋，东风街"),
            "after": say("First aid, school hall", "急救，学校礼堂"),
            "why": say("the only free level 2", "唯一有空的2级人员"),
        },
        {
            "who": say("Lin Zhao", "赵琳"),
            "before": say("standing by", "候补"),
            "after": say("Sandbags, Dongfeng St", "沙袋，东风街"),
            "why": "",
        },
    ]
    entries = [
        {"at": NIGHT + 23 * minute, "what": say("9 people on site", "9人到场"), "by": "", "major": True},
        {
            "at": NIGHT + 14 * minute,
            "what": say("Wave 2 sent to 24", "第2批发给24人"),
            "by": say("by the clock", "系统按时"),
        },
        {
            "at": NIGHT,
            "what": say("Wave 1 sent to 39", "第1批发给39人"),
            "by": say("Mei Chen", "陈梅"),
            "major": True,
        },
        {
            "at": NIGHT - 4 * minute,
            "what": say("Incident declared from a CAP alert", "由CAP预警宣布事件"),
            "by": say("Mei Chen", "陈梅"),
        },
    ]
    answers = [(0, 0), (2, 1), (4, 3), (6, 5), (9, 7), (14, 8), (17, 10), (20, 12), (23, 13)]
    forecast = [(0, 0, 0), (10, 4, 10), (20, 8, 16), (30, 13, 20), (43, 17, 24), (50, 18, 25)]
    return {
        "phone_callout": {
            "kind": "real",
            "title": say("Can you come?", "您能来吗？"),
            "callout": callout,
            "arrivals": [("0", say("by 03:00", "03:00 前")), ("30", say("by 03:30", "03:30 前"))],
            "now": NIGHT,
        },
        "phone_answered": {"kind": "drill", "title": say("Your answer", "您的答复")},
        "live": {
            "kind": "real",
            "band_detail": say("63 people asked, 9 on site", "已召集63人，9人到场"),
            "title": say("Flood, Saertu", "萨尔图区内涝"),
            "people": people,
            "entries": entries,
            "answers": answers,
            "forecast": forecast,
            **console,
        },
        "new_callout": {
            "title": say("New callout", "新的召集"),
            "steps": steps,
            "need_columns": [
                {"key": "role", "label": say("Role", "角色")},
                {"key": "min", "label": say("Minimum", "最低"), "number": True},
                {"key": "target", "label": say("Target", "目标"), "number": True},
                {"key": "max", "label": say("At most", "最多"), "number": True},
            ],
            "need_rows": [
                {
                    "role": say("General helper", "一般协助"),
                    "role_href": "#",
                    "min": 9,
                    "target": 12,
                    "max": 16,
                },
                {
                    "role": say("First aid, level 2", "急救，2级"),
                    "role_href": "#",
                    "min": 2,
                    "target": 3,
                    "max": 4,
                },
            ],
            **console,
        },
        "situation": {"title": say("Situation", "态势"), **console},
        "components": {"title": say("Components", "组件"), "changes": changes, **console},
        "error": {
            "title": say("This link has expired", "链接已过期"),
            "happened": say("The callout was answered or ended at 03:20.", "该召集已于 03:20 结束或已答复。"),
            "kept": say("Nothing you sent was lost.", "您提交的内容没有丢失。"),
            "remedy": say("Sign in to see your callouts.", "登录后可查看您的召集。"),
            "next_href": "/login",
            "next_text": say("Sign in", "登录"),
            "reference": "7f3a",
        },
    }


def request(path: str, lang: str, theme: str) -> Request:
    headers = [(b"cookie", f"hub_lang={lang}; hub_theme={theme}".encode())]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}
    return Request({**scope, "scheme": "http", "server": ("hub.example", 80)})


def shots(only: set[str]) -> Iterator[Shot]:
    for lang in ("en", "zh"):
        env = environment(lang, ZONE)
        env.loader = ChoiceLoader([FileSystemLoader(PAGES), env.loader])  # type: ignore[list-item]  # set above
        env.globals["say"] = lambda *texts, at=("en", "zh").index(lang): texts[at]
        for name, context in sample(lang).items():
            if only and name not in only:
                continue
            for theme in ("light", "dark"):
                answer = page(
                    request(ADDRESSES.get(name, f"/{name}"), lang, theme),
                    f"{name}.html",
                    zone=ZONE,
                    **context,
                )
                for width in (390, 1280):
                    yield Shot(f"{name}-{lang}-{theme}-{width}", bytes(answer.body), width)


def take(browser: Browser, shot: Shot, folder: Path) -> None:
    view = browser.new_page(viewport={"width": shot.width, "height": 800})
    view.on("console", lambda said: shot.problems.append(said.text) if said.type == "error" else None)

    def serve(route: Route) -> None:
        address = route.request.url
        if not address.startswith(HOST):
            shot.problems.append(f"asks for {address}")
            route.abort()
        elif address.startswith(f"{HOST}/static/"):
            file = STATIC / address.removeprefix(f"{HOST}/static/").split("?")[0]
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            route.fulfill(body=file.read_bytes(), content_type=kind)
        else:
            headers = {"content-security-policy": POLICY}
            route.fulfill(body=shot.html, content_type="text/html; charset=utf-8", headers=headers)

    view.route("**/*", serve)
    view.goto(f"{HOST}/")
    wide, high = view.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.scrollHeight]"
    )
    if wide > shot.width:
        shot.problems.append(f"{wide} px wide in a {shot.width} px window")
    view.set_viewport_size({"width": shot.width, "height": high})  # or a sticky bar hides what lies under it
    view.screenshot(path=folder / f"{shot.name}.png", full_page=True)
    view.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", default=[])
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    failed = False
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--headless"])
        for shot in shots(set(chosen.only)):
            (chosen.folder / f"{shot.name}.html").write_bytes(shot.html)
            take(browser, shot, chosen.folder)
            for problem in shot.problems:
                print(f"{shot.name}: {problem}")
                failed = True
        browser.close()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
