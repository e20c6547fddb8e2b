"""The example site, as its visitors and its editors use it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from example.gallery.models import Photo, Post
from example.pictures import Picture


class Shown:
    """A picture on the page."""

    def __init__(self) -> None:
        self.file = self.badge = self.url = self.thumbnail = self.problem = ""


class Site:
    """A browser, as far as this site needs one."""

    def __init__(self) -> None:
        self._client = Client(enforce_csrf_checks=True, SERVER_NAME="localhost")
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
            with self._opener.open(url, timeout=60) as answer:
                return bytes(answer.read())
        response = self._client.get(url)
        if response.status_code != 200:
            raise RuntimeError(f"{url} answered {response.status_code}.")
        return bytes(response.getvalue())

    def post(self) -> dict[str, bytes | int]:
        """Load the post; return each picture that its text refers to, or the status instead."""
        response = self._client.get(reverse("post", args=[Post.objects.get().pk]))
        found: dict[str, bytes | int] = {}
        for url in re.findall(r'<img src="([^"]+)"', response.content.decode()):
            answer = self._client.get(url)
            ok = answer.status_code == 200
            found[url] = bytes(answer.getvalue()) if ok else answer.status_code
        return found

    def upload(self, picture: Picture) -> None:
        """Upload a picture with the form on the page."""
        self._post(reverse("upload"), title=picture.title, image=_file(picture))

    def replace(self, file: str, picture: Picture) -> None:
        """Replace a picture with the form below it."""
        self._post(reverse("replace", args=[_key(file)]), image=_file(picture))

    def delete(self, file: str) -> None:
        """Delete a picture with the button below it."""
        self._post(reverse("delete", args=[_key(file)]))

    def delete_in_admin(self, file: str, user: str) -> None:
        """Delete a picture in the admin."""
        login = {"username": user, "password": user}
        self._client.get(reverse("admin:login"))
        self._post(reverse("admin:login"), **login, next=reverse("admin:index"))
        self._post(reverse("admin:gallery_photo_delete", args=[_key(file)]), post="yes")

    def switch(self, action: str) -> None:
        """Press the button that stops or starts production."""
        self._post(reverse("switch"), action=action)

    def _post(self, path: str, **fields: Any) -> None:
        fields["csrfmiddlewaretoken"] = self._client.cookies["csrftoken"].value
        response = self._client.post(path, fields)
        if response.status_code != 302:
            raise RuntimeError(f"{path} answered {response.status_code}.")


def _file(picture: Picture) -> SimpleUploadedFile:
    return SimpleUploadedFile(picture.name.rpartition("/")[2], picture.content)


def _key(file: str) -> int:
    return int(Photo.objects.get(image=file).pk)


class _PageReader(HTMLParser):
    """Reads the pictures, files and badges off the page."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[Shown] = []
        self._field = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        classes = attributes.get("class", "").split()
        if "data-file" in attributes:
            self.shown.append(Shown())
            self.shown[-1].file = attributes["data-file"]
        elif self.shown and tag == "a":
            self.shown[-1].url = attributes["href"]
        elif self.shown and tag == "img":
            self.shown[-1].thumbnail = attributes["src"]
        elif self.shown and "problem" in classes:
            self._field = "problem"
        elif self.shown and "badge" in classes:
            self.shown[-1].badge = classes[-1]

    def handle_endtag(self, tag: str) -> None:
        self._field = ""

    def handle_data(self, data: str) -> None:
        if self._field:
            setattr(self.shown[-1], self._field, data.strip())
