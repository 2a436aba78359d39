"""An address as a QR code."""

import io

import segno
from fastapi.responses import Response


def svg(address: str) -> Response:
    """The code as a drawing, with error correction for rain and scratches; light on dark pages too."""
    out = io.BytesIO()
    segno.make(address, error="q", micro=False).save(
        out, kind="svg", scale=8, light="white", xmldecl=False, svgns=True
    )
    return Response(out.getvalue(), media_type="image/svg+xml")
