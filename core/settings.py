"""Every setting of the system, read from the environment (`HOTLINE_*`) or a `.env` file."""

import ipaddress
import os
import re
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, HttpUrl, SecretStr, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parent.parent
_TILES = re.compile(r"(https?://[A-Za-z0-9.-]+(?::\d{1,5})?)/")


class Settings(BaseSettings):
    """All settings; each field's description is its documentation (`docs/settings.md` is held to it)."""

    model_config = SettingsConfigDict(env_prefix="HOTLINE_", env_file=".env", extra="ignore", env_ignore_empty=True)

    data_dir: Path = Field(Path("var"), description="Folder for everything the system writes.")
    database_url: str = Field(
        "", description="SQLAlchemy URL. Empty: SQLite in the data folder. PostgreSQL: postgresql+psycopg://…"
    )
    model_dir: Path = Field(Path("var/models"), description="Folder of trained Rasa models, named by content hash.")
    city_dir: Path = Field(PROJECT_ROOT / "city", description="Folder of the city's data: categories, areas, phrases.")
    host: str = Field("127.0.0.1", description="Address the web application listens on.")
    port: int = Field(8000, ge=1, le=65535, description="Port of the web application.")
    rasa_port: int = Field(5005, ge=1, le=65535, description="Loopback port of Rasa.")
    action_port: int = Field(5055, ge=1, le=65535, description="Loopback port of the action server.")
    public_url: str | None = Field(
        None, description="Address people and Twilio reach us by, e.g. https://12345.example.gov.cn"
    )
    trusted_proxies: str = Field(
        "127.0.0.1",
        description="Addresses or networks of the proxies in front, comma-separated; X-Forwarded-For is believed from "
        "these alone. Empty: from nobody.",
    )
    limits_url: str = Field(
        "memory://",
        description="Where knocks are counted (city/limits.yml): memory://, or redis://… for several web processes.",
    )
    secret_key: SecretStr = Field(
        SecretStr(""),
        description="Key that tokens and the sealing of personal data derive from. Empty: made once and kept in the "
        "data folder.",
    )
    old_secret_keys: SecretStr = Field(
        SecretStr(""),
        description="Former secret keys, comma-separated; what they sealed can be read. Then run `hotline db reseal`.",
    )
    oidc_issuer: str = Field("", description="OpenID Connect provider the staff may sign in with. Empty: none.")
    oidc_client_id: str = Field("", description="Our client id there.")
    oidc_client_secret: SecretStr = Field(SecretStr(""), description="Our client secret there.")
    twilio_auth_token: SecretStr | None = Field(
        None, description="Twilio's auth token. Set: every phone webhook must be signed. Unset: none is checked."
    )
    twilio_account_sid: str = Field("", description="Twilio's account, to place calls and fetch recordings with.")
    jambonz_webhook_secret: SecretStr | None = Field(
        None,
        description="Webhook secret of the jambonz account. Set: every request must be signed. Unset: none is checked.",
    )
    jambonz_url: str = Field(
        "", description="jambonz's REST interface up to its version, e.g. https://jambonz.example/api/v1"
    )
    jambonz_account_sid: str = Field("", description="Account there.")
    jambonz_key: SecretStr = Field(SecretStr(""), description="API key of that account.")
    jambonz_application_sid: str = Field("", description="Application there that leads to /ivr/jambonz/incoming.")
    jambonz_voice_ssml: bool = Field(
        True,
        description="The voice set up in that application understands SSML: slow and loud speech, digits one by one.",
    )
    phone_dialler: Literal["", "twilio", "jambonz"] = Field(
        "",
        description="Carrier that places our own calls: twilio or jambonz. Empty: nobody is rung, it is only logged.",
    )
    phone_number: str = Field("", description="Number our own calls come from, in E.164, e.g. +8671512345.")
    wechat_token: SecretStr = Field(
        SecretStr(""), description="Token agreed with the WeChat official account. Empty: its door refuses everything."
    )
    wechat_app_id: str = Field("", description="The account's AppID.")
    wechat_app_secret: SecretStr = Field(
        SecretStr(""), description="The account's AppSecret. Empty: nothing is sent to WeChat but replies in time."
    )
    wechat_aes_key: SecretStr = Field(
        SecretStr(""), description="The account's EncodingAESKey, 43 characters, for the safe mode (安全模式)."
    )
    wechat_url: str = Field("https://api.weixin.qq.com", description="WeChat's own interface.")
    bot_budget_seconds: float = Field(
        3.0, gt=0, le=10, description="How long a citizen waits for the bot before a person takes the message."
    )
    llm_url: str = Field(
        "",
        description="OpenAI-compatible endpoint (up to /v1) for messages of unsure category. Empty: none is asked.",
    )
    llm_key: SecretStr = Field(SecretStr(""), description="Key of that endpoint.")
    llm_model: str = Field("deepseek-chat", description="Name of the model there.")
    llm_budget_seconds: float = Field(
        2.5, gt=0, le=5, description="How long that model may take before the citizen is asked instead."
    )
    llm_answers: bool = Field(
        False,
        description="Let that model put sure answers of the knowledge base into the terms of the question, in writing: "
        "from entries it cites alone.",
    )
    asr_url: str = Field(
        "",
        description="OpenAI-compatible endpoint (up to /v1) that transcribes recordings. Empty: none is asked.",
    )
    asr_key: SecretStr = Field(SecretStr(""), description="Key of that endpoint.")
    asr_model: str = Field("sensevoice", description="Name of the recogniser there.")
    asr_budget_seconds: float = Field(
        120.0, gt=0, le=600, description="How long the transcription of one recording may take."
    )
    automatic_dispatch: bool = Field(
        True, description="Send an order to its unit at once when category and place leave no doubt."
    )
    triage_after_seconds: float = Field(
        30.0, gt=5, description="Age after which a message nobody answered becomes an order for human triage."
    )
    max_query_failures: int = Field(
        5, ge=1, description="Wrong phone tails or query codes per order number and hour before queries are refused."
    )
    sms_url: str = Field(
        "",
        description="Address of an SMS gateway that takes POSTs of id, to and text. Empty: no text messages are sent.",
    )
    sms_key: SecretStr = Field(SecretStr(""), description="Bearer key of that gateway.")
    imap_url: str = Field(
        "", description="Mailbox that letters come in by, e.g. imaps://user@host/INBOX. Empty: none is read."
    )
    imap_password: SecretStr = Field(SecretStr(""), description="Password of that mailbox.")
    smtp_url: str = Field(
        "", description="Server that letters leave by, e.g. smtps://user@host or smtp://user@host:587. Empty: none are."
    )
    smtp_password: SecretStr = Field(SecretStr(""), description="Password there.")
    mail_from: str = Field("", description="Address our letters come from; answers to it reach the mailbox.")
    webhook_private_addresses: bool = Field(
        False, description="Let webhooks lead to private addresses, e.g. of the city's own network."
    )
    answer_urls: dict[str, HttpUrl] = Field(
        default_factory=dict,
        description='Where answers to platforms are delivered to, before city/sources.yml: {"province": "https://…"}.',
    )
    campaign_places_calls: bool = Field(
        False, description="Let the call-back campaign place calls. Off: it only shows whom it would call and when."
    )
    simulator: bool = Field(
        False,
        description="Let supervisors and administrators make rehearsed calls at /console/simulator.",
    )
    widget_origins: str = Field(
        "",
        description="Sites that may show the chat in a window of their own pages (widget.js), comma-separated, e.g. "
        "https://www.example.gov.cn. Empty: only our own.",
    )
    map_tiles: str = Field(
        "",
        description="Address of map tiles in WGS-84 or CGCS2000 with {x}, {y} and {z}, to set a pin on. Empty: the "
        "chat page shows no map.",
    )
    map_attribution: str = Field("", description="Whose map it is; shown on it.")
    map_centre: str = Field(
        "29.8413,114.3225", description="Latitude and longitude (WGS-84) where the map opens, e.g. 29.8413,114.3225"
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str) -> str:
        scheme = url.partition(":")[0]
        if scheme in ("", "sqlite"):
            return url
        if scheme in ("postgres", "postgresql", "postgresql+psycopg"):
            return "postgresql+psycopg:" + url.partition(":")[2]
        raise ValueError(f"scheme {scheme!r} is not supported; use sqlite:///… or postgresql+psycopg://…")

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, proxies: str) -> str:
        listed = [each.strip() for each in proxies.split(",") if each.strip()]
        for each in listed:
            try:
                ipaddress.ip_network(each)
            except ValueError as error:
                raise ValueError(f"{each!r} is neither an address nor a network like 10.0.0.0/8") from error
        return ",".join(listed)

    @field_validator("limits_url")
    @classmethod
    def _known_store(cls, url: str) -> str:
        if url != "memory://" and not url.startswith(("redis://", "rediss://", "redis+unix://")):
            raise ValueError(f"{url!r} is not a store; use memory:// or redis://host:6379/0")
        return url

    @field_validator("phone_number")
    @classmethod
    def _e164(cls, number: str) -> str:
        if number and not re.fullmatch(r"\+[1-9]\d{4,14}", number):
            raise ValueError(f"{number!r} is not in E.164: + and 5 to 15 digits")
        return number

    @field_validator("wechat_aes_key")
    @classmethod
    def _aes_key(cls, key: SecretStr) -> SecretStr:
        if key.get_secret_value() and not re.fullmatch(r"[A-Za-z0-9+/]{43}", key.get_secret_value()):
            raise ValueError("must be the 43 letters and digits that the account's console shows")
        return key

    @field_validator("sms_url", "jambonz_url", "asr_url", "wechat_url")
    @classmethod
    def _http(cls, url: str) -> str:
        if url and not url.startswith(("http://", "https://")):
            raise ValueError(f"{url!r} is no http:// or https:// address")
        return url

    @field_validator("widget_origins")
    @classmethod
    def _origins(cls, listed: str) -> str:
        for origin in filter(None, map(str.strip, listed.split(","))):
            if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:\d{1,5})?", origin):
                raise ValueError(f"{origin!r} is no origin; write it like https://www.example.gov.cn, without a path")
        return listed

    @field_validator("map_tiles")
    @classmethod
    def _tiles(cls, template: str) -> str:
        if template and not (_TILES.match(template) and all(name in template for name in ("{x}", "{y}", "{z}"))):
            raise ValueError(f"{template!r} has to begin with http(s):// and one host, and name {{x}}, {{y}} and {{z}}")
        return template

    @field_validator("map_centre")
    @classmethod
    def _on_earth(cls, centre: str) -> str:
        found = re.fullmatch(r"\s*(-?\d{1,2}(?:\.\d+)?)\s*,\s*(-?\d{1,3}(?:\.\d+)?)\s*", centre)
        if found is None or abs(float(found[1])) > 85 or abs(float(found[2])) > 180:
            raise ValueError(f"{centre!r} is no latitude (±85) and longitude (±180), e.g. 29.8413,114.3225")
        return centre

    @field_validator("imap_url", "smtp_url")
    @classmethod
    def _mail_server(cls, url: str, info: ValidationInfo) -> str:
        kind = str(info.field_name).removesuffix("_url")
        parts = urlsplit(url)
        if url and (parts.scheme not in (kind, f"{kind}s") or not parts.hostname or parts.port == 0):
            raise ValueError(f"{url!r} is no address like {kind}s://user@host")
        if parts.password:
            raise ValueError(f"the password belongs into HOTLINE_{kind.upper()}_PASSWORD")
        return url

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, level: str) -> str:
        if level.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise ValueError(f"{level!r} is not a level; use DEBUG, INFO, WARNING or ERROR")
        return level.upper()

    @model_validator(mode="after")
    def _absolute_folders(self) -> "Settings":
        self.data_dir = self.data_dir.resolve()
        self.model_dir = self.model_dir.resolve()
        self.city_dir = self.city_dir.resolve()
        if not self.database_url:
            self.database_url = f"sqlite:///{self.data_dir / 'hotline.db'}"
        if bool(self.oidc_issuer) != bool(self.oidc_client_id):
            raise ValueError("oidc_issuer and oidc_client_id: set both, or neither")
        if not self.wechat_app_id and (self.wechat_app_secret or self.wechat_aes_key):
            raise ValueError("wechat_app_id: missing, but wechat_app_secret or wechat_aes_key is set")
        if self.smtp_url and "@" not in self.mail_from:
            raise ValueError("smtp_url is set, which needs mail_from, the address our letters come from")
        self._can_dial()
        if self.public_url:
            self.public_url = self.public_url.rstrip("/")
        return self

    def _can_dial(self) -> None:
        """Raises ValueError naming what the chosen dialler lacks."""
        needed = {
            "": (),
            "twilio": ("public_url", "phone_number", "twilio_account_sid", "twilio_auth_token"),
            "jambonz": (
                "public_url",
                "phone_number",
                "jambonz_url",
                "jambonz_account_sid",
                "jambonz_key",
                "jambonz_application_sid",
                "jambonz_webhook_secret",
            ),
        }[self.phone_dialler]
        if missing := [name for name in needed if not getattr(self, name)]:
            raise ValueError(f"phone_dialler is {self.phone_dialler!r}, which needs {', '.join(missing)}")

    @cached_property
    def project_root(self) -> Path:
        """The folder that holds `config.yml` and `bot/`."""
        return PROJECT_ROOT

    @cached_property
    def bot_python(self) -> Path:
        """Rasa's own interpreter."""
        return PROJECT_ROOT / "bot" / ".venv" / ("Scripts" if os.name == "nt" else "bin") / "python"

    @property
    def history_file(self) -> Path:
        """The operator's past orders as training data; there is none until `hotline train --history`."""
        return self.data_dir / "history.yml"

    @property
    def recordings_dir(self) -> Path:
        """Recordings of calls, sealed."""
        return self.data_dir / "recordings"

    @property
    def attachments_dir(self) -> Path:
        """Pictures, videos and voice notes of citizens, sealed."""
        return self.data_dir / "attachments"

    @property
    def tracker_file(self) -> Path:
        """Rasa's own memory of the conversations."""
        return self.data_dir / "conversations.db"

    @property
    def framing_origins(self) -> list[str]:
        """The sites that may show the chat in a window."""
        return [origin.strip() for origin in self.widget_origins.split(",") if origin.strip()]

    @property
    def map_origin(self) -> str | None:
        """The host of the map's tiles with its scheme; None without a map."""
        found = _TILES.match(self.map_tiles)
        return found[1] if found else None

    @property
    def map_start(self) -> tuple[float, float]:
        """Latitude and longitude (WGS-84) where the map opens."""
        latitude, longitude = self.map_centre.split(",")
        return float(latitude), float(longitude)

    @property
    def web_url(self) -> str:
        """The web application as seen from this machine."""
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host
        return f"http://{host}:{self.port}"

    @property
    def rasa_url(self) -> str:
        """Rasa, on the loopback address only."""
        return f"http://127.0.0.1:{self.rasa_port}"

    @property
    def action_url(self) -> str:
        """The action server, on the loopback address only."""
        return f"http://127.0.0.1:{self.action_port}"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """The settings of this process, read once; raises pydantic's ValidationError naming every bad value."""
    return Settings()
