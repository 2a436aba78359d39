"""Settings of one installation, from HUB_* environment variables."""

import os
import secrets
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def _default_data_dir() -> Path:
    """Outside homes for root: the embedded server opens its parents to the user it runs as."""
    if os.geteuid() == 0:
        return Path("/var/lib/volunteer-hub")
    return Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local/share")) / "volunteer-hub"


class Settings(BaseSettings):
    """Every setting has a safe default; docs/configuration.md lists them."""

    model_config = SettingsConfigDict(env_prefix="HUB_", frozen=True)

    env: Literal["production", "demo", "test"] = "production"
    database_url: str | None = Field(None, description="PostgreSQL >= 15; without it an embedded one")
    data_dir: Path = Field(default_factory=_default_data_dir)
    config: Path | None = Field(None, description="folder of own config/*.toml files")
    data: Path | None = Field(None, description="folder of third-party sample data for tests and tutorials")
    secret_key: SecretStr | None = Field(None, description="required with an external database")
    base_url: str = "http://127.0.0.1:8000"
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    web_processes: int = Field(2, ge=1, le=64)
    pool_size: int = Field(20, ge=2, le=500)
    smtp_url: str | None = Field(
        None, description="smtp://user:password@host:port, smtps:// or smtp+starttls://"
    )
    mail_from: str = "Volunteer Hub <hub@localhost>"
    sms_url: str | None = Field(
        None, description="https://account:token@gateway/.../Messages.json?From=number"
    )
    voice_url: str | None = Field(
        None, description="https://account:token@gateway/.../Calls.json?From=number"
    )
    gateway_token: SecretStr | None = Field(
        None, description="signs what a gateway tells us; without it the token in sms_url or voice_url"
    )
    push: bool = Field(False, description="web push, through the push services that browsers name")
    push_key: SecretStr | None = Field(
        None, description="the private key (P-256, 32 bytes in base64url) behind web push"
    )
    geocoder: SecretStr | None = Field(None, description="none by default: addresses never leave by accident")
    roads: SecretStr | None = Field(None, description="osrm:<address> or valhalla:<address>")
    tiles: str | None = Field(
        None,
        pattern=r"^https?://[\w.:{}-]+/[^\s;]*$",
        description="https://host/{z}/{x}/{y}.png under the maps, in WGS-84 Web Mercator; none by default",
    )
    tiles_credit: str = Field("", description="whose tiles they are, as their licence asks")
    pdf_font: str | None = Field(
        None,
        description="a font file with Chinese for PDFs; else the usual ones are looked for",
    )
    dead_man: SecretStr | None = Field(
        None, description="address called every minute while the clock lives and promises are checked"
    )
    internal_hosts: frozenset[str] = Field(frozenset(), description='"host:port" inside that may be called')
    plan_deadline: float = Field(60.0, gt=0, le=3600, description="seconds a plan may take")
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    def secret(self) -> bytes:
        """The key behind tokens and seals. Raises ValueError with an external database and no key."""
        if self.secret_key is not None:
            return self.secret_key.get_secret_value().encode()
        if self.database_url is not None:
            raise ValueError("HUB_SECRET_KEY is required with HUB_DATABASE_URL; set a long random text")
        return _generated_secret(self.data_dir)


@cache
def _generated_secret(folder: Path) -> bytes:
    path = folder / "secret.key"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        file.write(secrets.token_urlsafe(48).encode())
    return path.read_bytes()


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
