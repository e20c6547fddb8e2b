"""The combined storage in Django's hands: settings, models, migrations, static files, the admin."""
