"""django-health-check: the storage's check."""

from __future__ import annotations

from django.test import Client

from tests.apps.worlds import World


def test_a_storage_is_healthy_and_nothing_stays(world: World, client: Client) -> None:
    answer = client.get("/health/?format=json")
    assert answer.status_code == 200, answer.content
    assert all(not name.startswith("health") for name in world.production.files())


def test_an_overlay_is_healthy_while_production_is_down_and_a_failover_says_what_it_cannot_do(
    world: World, client: Client
) -> None:
    """The check deletes its file in the end, which a primary that is down cannot confirm."""
    with world.production_down():
        answer = client.get("/health/?format=json")
    assert answer.status_code == (200 if world.is_overlay else 500), answer.content
