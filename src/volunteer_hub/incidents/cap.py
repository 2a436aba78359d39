"""Read a CAP 1.1 or 1.2 message that anybody may have sent.

Nothing is trusted: a message is refused in words that name the field and what to do, and every limit is
checked while reading, so that a hostile one costs no more than a large honest one.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError, XMLParser

from volunteer_hub.core.errors import FieldError, Malformed
from volunteer_hub.incidents.cap_model import (
    DEFAULT_LANGUAGE,
    NAMESPACES,
    CapAlert,
    CapArea,
    CapInfo,
    Category,
    Certainty,
    Circle,
    MsgType,
    Named,
    Point,
    Reference,
    Scope,
    Severity,
    Status,
    Urgency,
)

MAX_BYTES = 1_000_000
MAX_NODES = 10_000  # elements, comments and processing instructions together
MAX_DEPTH = 32  # CAP needs five; an XML signature inside needs ten
MAX_POLYGONS = 1_000
MAX_POINTS = 10_000
MAX_REFERENCES = 1_000
MAX_NAME = 250  # identifier, sender: they are stored in an index
MAX_LABEL = 1_000  # what is shown on one line
EARTH_HALF_ROUND_KM = 20_038.0

_NUMBER = r"[+-]?\d{1,3}(?:\.\d{0,20})?(?:[eE][+-]?\d{1,3})?"
_POSITION = re.compile(rf"({_NUMBER}),({_NUMBER})", re.ASCII)
_RADIUS = re.compile(r"\d{1,6}(?:\.\d{0,20})?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_NAME = re.compile(r"[^\s,<&]+")
_DECLARED_ENCODING = re.compile(rb"^\s*<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")
# expat itself reads UTF-8, UTF-16 and one-byte encodings; these are still sent in China
_WIDE_ENCODINGS = {"gb2312": "gb18030", "gbk": "gb18030", "gb18030": "gb18030", "big5": "big5"}
_LATER_NAMES = {"Very Likely": "Likely"}  # CAP 1.0's word, still met in 1.1 messages

_Code = TypeVar("_Code", bound=StrEnum)


def parse(data: bytes) -> CapAlert:
    """Read one alert.

    Raises Malformed, whose code and ``field`` say what is wrong and what the sender should do.
    """
    root = _read_xml(data)
    version = NAMESPACES.get(root.namespace)
    if root.name != "alert":
        _refuse("cap.not_alert", "alert", value=_short(root.name))
    if version is None:
        _refuse("cap.version", "alert", value=_short(root.namespace))
    return CapAlert(
        identifier=_name(root, "identifier"),
        sender=_name(root, "sender"),
        sent=_time(_required(root, "sent"), "sent"),
        status=_code(root, "status", Status),
        msg_type=_code(root, "msgType", MsgType),
        scope=_code(root, "scope", Scope),
        version=version,
        references=_references(_text(root, "references")),
        note=_text(root, "note"),
        infos=tuple(_info(node) for node in root.children("info")),
    )


@dataclass
class _Node:
    """An element of the alert's own namespace; elements of other namespaces are left out while reading."""

    namespace: str
    name: str
    parts: list[str] = field(default_factory=list)
    by_name: dict[str, list["_Node"]] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return "".join(self.parts).strip()

    def children(self, name: str) -> Iterable["_Node"]:
        return self.by_name.get(name, ())


class _Tree:
    """Builds nodes from parser events and stops at the first limit passed."""

    def __init__(self) -> None:
        self.root: _Node | None = None
        self.open: list[_Node] = []
        self.nodes = 0

    def _count(self) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            _refuse("cap.too_many", "alert", limit=MAX_NODES)

    def start(self, tag: str, _attributes: list[str]) -> None:
        """``tag`` is "namespace}name"; CAP has no attributes, so they are not looked at."""
        self._count()
        if len(self.open) >= MAX_DEPTH:
            _refuse("cap.too_deep", "alert", limit=MAX_DEPTH)
        namespace, _, name = tag.rpartition("}")
        node = _Node(namespace, name)
        if self.root is None:
            self.root = node
        elif node.namespace == self.root.namespace:
            self.open[-1].by_name.setdefault(name, []).append(node)
        self.open.append(node)

    def data(self, text: str) -> None:
        self.open[-1].parts.append(text)

    def end(self, _tag: str) -> None:
        self.open.pop()

    def comment(self, _text: str) -> None:
        self._count()

    def pi(self, _target: str, _text: str) -> None:
        self._count()

    def close(self) -> _Node | None:
        return self.root


def _read_xml(data: bytes) -> _Node:
    if len(data) > MAX_BYTES:
        _refuse("cap.too_large", "alert", limit=MAX_BYTES // 1000)
    tree = _Tree()
    parser = XMLParser(target=tree, forbid_dtd=True)
    # straight from expat: the wrapper would build a dict of 90,000 attributes (90 ms), and would be called
    # for each mark of a CDATA section (170,000 in one megabyte)
    parser.parser.StartElementHandler = tree.start
    parser.parser.DefaultHandlerExpand = None
    try:
        parser.feed(_decoded(data))
        parser.close()
    except DefusedXmlException:
        _refuse("cap.doctype", "alert")
    except (ParseError, ValueError, LookupError) as error:
        raise Malformed("cap.not_xml", fields=[FieldError("alert", "cap.not_xml")], field="alert") from error
    assert tree.root is not None  # a document without a root element is a ParseError
    return tree.root


def _decoded(data: bytes) -> bytes | str:
    declared = _DECLARED_ENCODING.match(data[:200])
    wide = _WIDE_ENCODINGS.get(declared[1].decode("ascii").lower()) if declared else None
    return data.decode(wide) if wide else data


def _info(node: _Node) -> CapInfo:
    categories = tuple(_member(child.text, "category", Category) for child in node.children("category"))
    if not categories:
        _refuse("cap.missing", "category")
    return CapInfo(
        event=_label(node, "event", required=True),
        categories=categories,
        urgency=_code(node, "urgency", Urgency),
        severity=_code(node, "severity", Severity),
        certainty=_code(node, "certainty", Certainty),
        language=_label(node, "language") or DEFAULT_LANGUAGE,
        response_types=tuple(child.text for child in node.children("responseType") if child.text),
        event_codes=_named(node, "eventCode"),
        effective=_optional_time(node, "effective"),
        onset=_optional_time(node, "onset"),
        expires=_optional_time(node, "expires"),
        sender_name=_label(node, "senderName"),
        headline=_label(node, "headline"),
        description=_text(node, "description"),
        instruction=_text(node, "instruction"),
        web=_label(node, "web"),
        contact=_text(node, "contact"),
        parameters=_named(node, "parameter"),
        areas=_areas(node),
    )


def _areas(info: _Node) -> tuple[CapArea, ...]:
    nodes = list(info.children("area"))
    polygons = [p for node in nodes for p in node.children("polygon")]
    if len(polygons) > MAX_POLYGONS:
        _refuse("cap.too_many", "polygon", limit=MAX_POLYGONS)
    # every point has one comma: counted before any number is read
    if sum(part.count(",") for polygon in polygons for part in polygon.parts) > MAX_POINTS:
        _refuse("cap.too_many", "polygon", limit=MAX_POINTS)
    return tuple(_area(node) for node in nodes)


def _area(node: _Node) -> CapArea:
    return CapArea(
        description=_required(node, "areaDesc"),
        polygons=tuple(_polygon(child.text) for child in node.children("polygon") if child.text),
        circles=tuple(_circle(child.text) for child in node.children("circle") if child.text),
        geocodes=_named(node, "geocode"),
    )


def _polygon(text: str) -> tuple[Point, ...]:
    ring = tuple(_position(pair, "polygon") for pair in text.split())
    if len(ring) < 4:
        _refuse("cap.polygon_short", "polygon", count=len(ring))
    if ring[0] != ring[-1]:
        _refuse("cap.polygon_open", "polygon", value=_short(text))
    return ring


def _circle(text: str) -> Circle:
    centre, _, radius = text.partition(" ")
    radius = radius.strip()
    if not _RADIUS.fullmatch(radius) or not float(radius) <= EARTH_HALF_ROUND_KM:
        _refuse("cap.circle", "circle", value=_short(text))
    return Circle(_position(centre, "circle"), float(radius))


def _position(pair: str, where: str) -> Point:
    match = _POSITION.fullmatch(pair)
    if match is None:
        _refuse("cap.position", where, value=_short(pair))
    lat, lon = float(match[1]), float(match[2])
    if abs(lat) > 90 or abs(lon) > 180:
        swapped = abs(lat) <= 180 and abs(lon) <= 90
        _refuse("cap.position_swapped" if swapped else "cap.position", where, value=_short(pair))
    return lat, lon


def _references(text: str) -> tuple[Reference, ...]:
    items = text.split(maxsplit=MAX_REFERENCES)
    if len(items) > MAX_REFERENCES:
        _refuse("cap.too_many", "references", limit=MAX_REFERENCES)
    return tuple(_reference(item) for item in items)


def _reference(item: str) -> Reference:
    parts = item.split(",")
    if len(parts) != 3 or not parts[0] or not parts[1] or max(len(parts[0]), len(parts[1])) > MAX_NAME:
        _refuse("cap.reference", "references", value=_short(item))
    return Reference(parts[0], parts[1], _time(parts[2], "references"))


def _named(node: _Node, name: str) -> tuple[Named, ...]:
    """Pairs without a value are left out: they are templates that the sender did not fill."""
    pairs = (Named(_label(child, "valueName"), _text(child, "value")) for child in node.children(name))
    return tuple(pair for pair in pairs if pair.name and pair.value)


def _text(node: _Node, name: str) -> str:
    """The text of the one child of this name, empty when there is none.

    Two are refused: two readers could choose differently, one the harmless, one the other.
    """
    found = node.by_name.get(name, [])
    if len(found) > 1:
        _refuse("cap.repeated", name)
    return found[0].text if found else ""


def _required(node: _Node, name: str) -> str:
    return _text(node, name) or _refuse("cap.missing", name)


def _label(node: _Node, name: str, *, required: bool = False) -> str:
    text = _required(node, name) if required else _text(node, name)
    if len(text) > MAX_LABEL:
        _refuse("cap.too_long", name, limit=MAX_LABEL)
    return text


def _name(node: _Node, name: str) -> str:
    """Identifier and sender: CAP forbids the characters that would break a list of references."""
    text = _required(node, name)
    if len(text) > MAX_NAME:
        _refuse("cap.too_long", name, limit=MAX_NAME)
    if not _NAME.fullmatch(text):
        _refuse("cap.name", name, value=_short(text))
    return text


def _code(node: _Node, name: str, codes: type[_Code]) -> _Code:
    return _member(_required(node, name), name, codes)


def _member(text: str, name: str, codes: type[_Code]) -> _Code:
    try:
        return codes(_LATER_NAMES.get(text, text))
    except ValueError:
        _refuse("cap.code", name, value=_short(text), allowed=", ".join(codes))


def _optional_time(node: _Node, name: str) -> datetime | None:
    text = _text(node, name)
    return _time(text, name) if text else None


def _time(text: str, name: str) -> datetime:
    """A time with its zone, as UTC. Without a zone the hour would be a guess, so it is refused."""
    if not _TIME.fullmatch(text):
        _refuse("cap.time", name, value=_short(text))
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        _refuse("cap.time", name, value=_short(text))


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"


def _refuse(code: str, name: str, **params: Any) -> NoReturn:
    raise Malformed(code, fields=[FieldError(name, code, {"field": name, **params})], field=name, **params)
