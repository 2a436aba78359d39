"""CAP documents for tests, written out by hand so that they do not depend on our own writer."""

from datetime import UTC, datetime, timedelta

SENT = datetime(2026, 1, 12, 18, 30, tzinfo=UTC)
SENDER = "alerts@weather.daqing.example"
POLYGON = "<polygon>46.50,125.00 46.50,125.20 46.70,125.20 46.70,125.00 46.50,125.00</polygon>"


def stamp(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "-00:00")


def info(
    *,
    event: str = "暴雪橙色预警",
    language: str = "zh-CN",
    severity: str = "Severe",
    urgency: str = "Expected",
    expires: datetime | None = SENT + timedelta(hours=12),
    area: str = POLYGON,
    more: str = "",
) -> str:
    until = f"<expires>{stamp(expires)}</expires>" if expires else ""
    return (
        f"<info><language>{language}</language><category>Met</category><event>{event}</event>"
        f"<urgency>{urgency}</urgency><severity>{severity}</severity><certainty>Likely</certainty>"
        f"{until}{more}<area><areaDesc>萨尔图区</areaDesc>{area}</area></info>"
    )


def document(
    *infos: str,
    identifier: str = "snow-1",
    sender: str = SENDER,
    sent: datetime = SENT,
    status: str = "Actual",
    msg_type: str = "Alert",
    references: str = "",
    version: str = "1.2",
) -> bytes:
    refs = f"<references>{references}</references>" if references else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><alert xmlns="urn:oasis:names:tc:emergency:cap:{version}">'
        f"<identifier>{identifier}</identifier><sender>{sender}</sender><sent>{stamp(sent)}</sent>"
        f"<status>{status}</status><msgType>{msg_type}</msgType><scope>Public</scope>{refs}"
        f"{''.join(infos)}</alert>"
    ).encode()


def reference(identifier: str = "snow-1", sender: str = SENDER, sent: datetime = SENT) -> str:
    return f"{sender},{identifier},{stamp(sent)}"
