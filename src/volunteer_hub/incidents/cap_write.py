"""Write an alert as a CAP 1.2 document, which ``cap.parse`` reads back equal."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from datetime import UTC, datetime

from volunteer_hub.incidents.cap_model import NAMESPACES, CapAlert, CapArea, CapInfo, Named, Point

CAP_12 = next(namespace for namespace, version in NAMESPACES.items() if version == "1.2")
# what XML 1.0 cannot hold, not even escaped
_UNWRITABLE = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(alert: CapAlert) -> bytes:
    """The document, UTF-8, always of version 1.2. Characters that XML cannot hold become spaces."""
    root = ET.Element("alert", xmlns=CAP_12)
    _add(root, "identifier", alert.identifier)
    _add(root, "sender", alert.sender)
    _add(root, "sent", _time(alert.sent))
    _add(root, "status", alert.status)
    _add(root, "msgType", alert.msg_type)
    _add(root, "scope", alert.scope)
    _add(root, "note", alert.note)
    _add(root, "references", " ".join(f"{r.sender},{r.identifier},{_time(r.sent)}" for r in alert.references))
    for info in alert.infos:
        _info(ET.SubElement(root, "info"), info)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document


def _info(node: ET.Element, info: CapInfo) -> None:
    """Children stand in the order that the schema prescribes."""
    _add(node, "language", info.language)
    _add(node, "category", *info.categories)
    _add(node, "event", info.event)
    _add(node, "responseType", *info.response_types)
    _add(node, "urgency", info.urgency)
    _add(node, "severity", info.severity)
    _add(node, "certainty", info.certainty)
    _pairs(node, "eventCode", info.event_codes)
    _add(node, "effective", _time(info.effective))
    _add(node, "onset", _time(info.onset))
    _add(node, "expires", _time(info.expires))
    _add(node, "senderName", info.sender_name)
    _add(node, "headline", info.headline)
    _add(node, "description", info.description)
    _add(node, "instruction", info.instruction)
    _add(node, "web", info.web)
    _add(node, "contact", info.contact)
    _pairs(node, "parameter", info.parameters)
    for area in info.areas:
        _area(ET.SubElement(node, "area"), area)


def _area(node: ET.Element, area: CapArea) -> None:
    _add(node, "areaDesc", area.description)
    _add(node, "polygon", *(" ".join(map(_point, ring)) for ring in area.polygons))
    _add(node, "circle", *(f"{_point(circle.centre)} {_number(circle.radius_km)}" for circle in area.circles))
    _pairs(node, "geocode", area.geocodes)


def _pairs(node: ET.Element, name: str, pairs: Iterable[Named]) -> None:
    for pair in pairs:
        child = ET.SubElement(node, name)
        _add(child, "valueName", pair.name)
        _add(child, "value", pair.value)


def _add(node: ET.Element, name: str, *texts: str) -> None:
    for text in texts:
        # an XML reader turns carriage returns into line feeds, so they are written as such
        if clean := _UNWRITABLE.sub(" ", text.replace("\r\n", "\n").replace("\r", "\n")).strip():
            ET.SubElement(node, name).text = clean


def _time(moment: datetime | None) -> str:
    """In UTC, which CAP writes as -00:00 (the letter Z is forbidden by section 3.3.2)."""
    return "" if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "-00:00")


def _point(point: Point) -> str:
    return f"{_number(point[0])},{_number(point[1])}"


def _number(value: float) -> str:
    return repr(float(value))
