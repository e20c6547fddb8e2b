"""A project with all the applications, each as its own documentation has it."""

from __future__ import annotations

import tempfile

#: What this process leaves behind.
DIRECTORY = tempfile.TemporaryDirectory(prefix="apps-")

SECRET_KEY = "apps"
USE_TZ = True
DEBUG = False
ALLOWED_HOSTS = ["testserver"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ROOT_URLCONF = "tests.apps.urls"
STATIC_URL = "/static/"
STATIC_ROOT = f"{DIRECTORY.name}/static"
MEDIA_URL = "/media/"
MEDIA_ROOT = f"{DIRECTORY.name}/media"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "wagtail.users",
    "wagtail.documents",
    "wagtail.images",
    "wagtail.admin",
    "wagtail.search",
    "wagtail",
    "modelcluster",
    "taggit",
    "compressor",
    "easy_thumbnails",
    "filer",
    "health_check",
    "imagekit",
    "import_export",
    "private_storage",
    "rest_framework",
    "sorl.thumbnail",
    "fallback_storage",
    "tests.apps",
    "django_cleanup.apps.CleanupConfig",  # The last, as its documentation says.
]
MIDDLEWARE = [
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            # Two applications have tags of the name "thumbnail".
            "libraries": {"easy_thumbnails": "easy_thumbnails.templatetags.thumbnail"},
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "private": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

THUMBNAIL_ALIASES = {"": {"small": {"size": (40, 30), "crop": True}}}  # easy-thumbnails
THUMBNAIL_HIGH_RESOLUTION = False
THUMBNAIL_KVSTORE = "sorl.thumbnail.kvstores.cached_db_kvstore.KVStore"
IMAGEKIT_DEFAULT_CACHEFILE_STRATEGY = "imagekit.cachefiles.strategies.JustInTime"
# filer builds a class without arguments: this one is the alias "default", with its OPTIONS.
FILER_STORAGES = {
    "public": {
        "main": {"ENGINE": "django.core.files.storage.DefaultStorage"},
        "thumbnails": {"ENGINE": "django.core.files.storage.DefaultStorage"},
    },
}
FILER_CANONICAL_URL = "sharing/"
# So does private-storage: this one is the alias "private".
PRIVATE_STORAGE_CLASS = "tests.apps.private.PrivateStorage"
PRIVATE_STORAGE_AUTH_FUNCTION = "private_storage.permissions.allow_staff"
WAGTAIL_SITE_NAME = "Applications"
WAGTAILADMIN_BASE_URL = "http://testserver"
COMPRESS_STORAGE = "compressor.storage.CompressorFileStorage"
