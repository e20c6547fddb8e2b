"""The example site, as its visitors and its editors use it."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

from django.contrib.auth import get_user_model
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from example.pictures import Picture


class Shown:
    """A picture on the page."""

    def __init__(self) -> None:
        self.file = self.badge = self.url = self.problem = ""


class Site:
    """A browser, as far as this site needs one."""

    def __init__(self) -> None:
        self._client = Client(SERVER_NAME="localhost")
        self._opener = build_opener(ProxyHandler({}))

    def page(self) -> list[Shown]:
        """Load the gallery and return what it shows."""
        response = self._client.get(reverse("gallery"))
        if response.status_code != 200:
            raise RuntimeError(f"The gallery page answered {response.status_code}.")
        reader = _PageReader()
        reader.feed(response.content.decode())
        return reader.shown

    def load(self, url: str) -> bytes:
        """Load a picture as a browser does: this site's own, or over HTTP from elsewhere."""
        if urlsplit(url).scheme:
            with self._opener.open(url, timeout=5) as answer:
                return bytes(answer.read())
        response = self._client.get(url)
        if response.status_code != 200:
            raise RuntimeError(f"{url} answered {response.status_code}.")
        return bytes(response.getvalue())

    def upload(self, picture: Picture) -> None:
        """Upload a picture through the admin."""
        editor, _ = get_user_model().objects.get_or_create(
            username="editor", is_staff=True, is_superuser=True
        )
        self._client.force_login(editor)
        file = SimpleUploadedFile(picture.name.rpartition("/")[2], picture.content)
        form = {"title": picture.title, "image": file}
        response = self._client.post(reverse("admin:gallery_photo_add"), form)
        if response.status_code != 302:
            raise RuntimeError("The admin did not accept the upload.")


class _PageReader(HTMLParser):
    """Reads the pictures, files and badges off the page."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[Shown] = []
        self._field = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        classes = attributes.get("class", "").split()
        if tag == "li":
            self.shown.append(Shown())
        elif self.shown and tag == "img":
            self.shown[-1].url = attributes["src"]
        elif self.shown and tag == "code":
            self._field = "file"
        elif self.shown and "problem" in classes:
            self._field = "problem"
        elif self.shown and "badge" in classes:
            self.shown[-1].badge = classes[-1]

    def handle_endtag(self, tag: str) -> None:
        self._field = ""

    def handle_data(self, data: str) -> None:
        if self._field:
            setattr(self.shown[-1], self._field, data.strip())
