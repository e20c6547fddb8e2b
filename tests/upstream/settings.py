"""As Django's own test runner has them, as far as these tests need it."""

SECRET_KEY = "test"
USE_TZ = False
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "file_storage"]
ROOT_URLCONF = "file_storage.urls"
STATIC_URL = "static/"
