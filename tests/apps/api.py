"""The pictures, by Django REST framework."""

from __future__ import annotations

from rest_framework import serializers, viewsets

from tests.apps.models import Picture


class PictureSerializer(serializers.ModelSerializer):  # type: ignore[misc]
    class Meta:
        model = Picture
        fields = ("id", "title", "image")


class PictureViewSet(viewsets.ModelViewSet):  # type: ignore[misc]
    queryset = Picture.objects.all()
    serializer_class = PictureSerializer
    permission_classes = ()
