"""The combined storage in Django's hands: settings, models, admin, migrations, static files."""
