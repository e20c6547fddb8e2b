"""Settings of the example site: production's pictures in development.

Only ``STORAGES`` is about that. Where production is comes from ``PRODUCTION_*`` in the
environment; what the site writes goes below ``EXAMPLE_DATA``.
"""

from __future__ import annotations

import os
from pathlib import Path

from botocore.config import Config

BASE_DIR = Path(__file__).resolve().parent
DATA_DIR = Path(os.environ.get("EXAMPLE_DATA", BASE_DIR / "data"))

# Two ways to reach production; EXAMPLE_PRODUCTION says which. Without short timeouts, one that is
# down or silent holds a page for minutes.
PRODUCTIONS = {
    "s3": {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "endpoint_url": os.environ.get("PRODUCTION_ENDPOINT_URL", "http://127.0.0.1:8333"),
            "bucket_name": os.environ.get("PRODUCTION_BUCKET", "media"),
            "access_key": os.environ.get("PRODUCTION_ACCESS_KEY", "example"),
            "secret_key": os.environ.get("PRODUCTION_SECRET_KEY", "example"),
            "region_name": "us-east-1",
            "client_config": Config(
                connect_timeout=3,
                read_timeout=5,
                retries={"total_max_attempts": 1},
                signature_version="s3v4",
                s3={"addressing_style": "path"},
            ),
        },
    },
    "http": {
        "BACKEND": "fallback_storage.http.HTTPStorage",
        "OPTIONS": {
            "base_url": os.environ.get("PRODUCTION_URL", "http://127.0.0.1:8080/"),
            "allow_http": True,  # on this machine only; a real production has https
            "expect": ["image/*"],
            "connect_timeout": 3,
            "read_timeout": 5,
        },
    },
}

STORAGES = {
    "default": {
        "BACKEND": "fallback_storage.storage.OverlayStorage",
        # The local disk over production. Whatever the code does, production is not written. One
        # that is silent costs a page two deadlines, then nothing until it is asked again.
        "OPTIONS": {
            "backends": [
                "uploads",
                {
                    "BACKEND": "production",
                    "TIMEOUT": 3,
                    "BREAKER": {"failures": 2, "cooldown": 2, "max_cooldown": 5},
                },
            ],
        },
    },
    "uploads": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": DATA_DIR / "uploads", "base_url": "/media/"},
    },
    "production": PRODUCTIONS[os.environ.get("EXAMPLE_PRODUCTION", "s3")],
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

MEDIA_ROOT = DATA_DIR / "uploads"
MEDIA_URL = "/media/"
STATIC_URL = "/static/"

DEBUG = True  # a site for one developer's machine
SECRET_KEY = "django-insecure-example"
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "example.urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": DATA_DIR / "db.sqlite3"}}

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "sorl.thumbnail",
    "fallback_storage",
    "example.gallery",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
