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


def picture(address: str) -> str:
    """The same inside a page, as the source of an image: no second request can come too late for it."""
    code = segno.make(address, error="q", micro=False)
    return code.svg_data_uri(scale=8, light="white", xmldecl=False, svgns=True)
