"""The processes of a running system, as data."""

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from core.secrets import token
from core.settings import Settings

LARGEST_FRAME = 256 * 1024
"""Bytes of a WebSocket's frame; more is refused before it is read as anything."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process to start and watch. It is ready when `ready_url` answers 200, without one as soon as it runs."""

    name: str
    command: tuple[str, ...]
    ready_url: str | None = None
    environment: dict[str, str] = field(default_factory=dict)


def processes(settings: Settings, model: Path) -> list[Process]:
    """Rasa, its action server, the web application and the worker."""
    bot, python = str(settings.bot_python), sys.executable
    uvicorn = [python, "-m", "uvicorn", "hotline.app:create", "--factory", "--no-access-log", "--no-server-header"]
    return [
        Process(
            "rasa",
            (bot, "-W", "ignore", "-m", "bot.serve", "--model", str(model), "--port", str(settings.rasa_port)),
            f"{settings.rasa_url}/webhooks/hotline/",
            _bot_environment(settings),
        ),
        Process(
            "actions",
            (bot, "-W", "ignore", "-m", "bot.actions"),
            f"{settings.action_url}/health",
            _bot_environment(settings),
        ),
        Process(
            "web",
            (
                *(*uvicorn, "--host", settings.host, "--port", str(settings.port), "--log-level", "warning"),
                *("--forwarded-allow-ips", settings.trusted_proxies, "--ws-max-size", str(LARGEST_FRAME)),
            ),
            f"{settings.web_url}/healthz",
        ),
        Process("worker", (python, "-m", "hotline", "worker")),
    ]


def ports(settings: Settings) -> dict[str, tuple[str, int]]:
    """The address each port setting stands for."""
    return {
        "HOTLINE_PORT": (settings.host, settings.port),
        "HOTLINE_RASA_PORT": ("127.0.0.1", settings.rasa_port),
        "HOTLINE_ACTION_PORT": ("127.0.0.1", settings.action_port),
    }


def base_environment(settings: Settings) -> dict[str, str]:
    """What every process of ours needs: the settings of this start, whatever folder they were given relative to."""
    return {
        **os.environ,
        "PYTHONPATH": str(settings.project_root),
        "PYTHONUNBUFFERED": "1",
        "HOTLINE_DATA_DIR": str(settings.data_dir),
        "HOTLINE_DATABASE_URL": settings.database_url,
        "HOTLINE_CITY_DIR": str(settings.city_dir),
        "HOTLINE_MODEL_DIR": str(settings.model_dir),
    }


def _bot_environment(settings: Settings) -> dict[str, str]:
    return {
        "HOTLINE_SERVICE_TOKEN": token(settings, "service"),
        "HOTLINE_DESK_URL": settings.web_url,
        "HOTLINE_ACTION_URL": f"{settings.action_url}/webhook",
        "HOTLINE_ACTION_PORT": str(settings.action_port),
        "HOTLINE_LLM_URL": settings.llm_url,
        "HOTLINE_LLM_KEY": settings.llm_key.get_secret_value(),
        "HOTLINE_LLM_MODEL": settings.llm_model,
        "HOTLINE_LLM_BUDGET_SECONDS": str(settings.llm_budget_seconds),
        "HOTLINE_LLM_ANSWERS": "1" if settings.llm_answers else "",
        "HOTLINE_TRACKER_DB": str(settings.tracker_file),
        "RASA_TELEMETRY_ENABLED": "false",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    }
