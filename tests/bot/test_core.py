"""Which core a process works with: its own, or a service's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.core import open_face_service, open_gallery, open_kept_gallery, require_own_core
from config.options import ModelOptions, Options, ServiceOptions
from config.settings import Secrets
from inference.domain import Scope
from inference.errors import ServiceMismatchError, SettingsError
from inference.remote import RemoteFaceService
from inference.service import LocalFaceService
from tests.inference.models.tiny_pack import make_pack
from tests.service.doubles import Double, listening


def assert_empty(folder: Path) -> None:
    assert list(folder.iterdir()) == []


async def test_without_an_address_it_is_the_own_one(tmp_path: Path) -> None:
    make_pack(tmp_path / "models" / "tiny")
    options = Options(data_dir=tmp_path, models=ModelOptions(pack="tiny"))
    require_own_core(options)
    async with open_face_service(options) as own:
        assert isinstance(own, LocalFaceService)
    async with open_kept_gallery(options) as kept:
        assert await kept.verify(repair=False) == ()
    async with open_gallery(options, read_only=True) as gallery:
        assert await gallery.characters([Scope("cli")]) == ()


async def test_with_an_address_it_is_the_services_and_nothing_is_made_here(tmp_path: Path) -> None:
    double = Double()
    async with listening(double.app()) as address:
        options = replace(Options(data_dir=tmp_path), service=ServiceOptions(url=(address,), start_s=5))
        async with open_face_service(options) as remote:
            assert isinstance(remote, RemoteFaceService)
        async with open_gallery(options) as gallery:
            assert await gallery.characters([Scope("cli")]) == ()
        with pytest.raises(SettingsError, match=r"service\.url"):
            async with open_kept_gallery(options):
                pass
    assert double.asked == 1
    assert_empty(tmp_path)


async def test_the_token_goes_along(tmp_path: Path) -> None:
    double = Double(token="a token")
    async with listening(double.app()) as address:
        options = replace(Options(data_dir=tmp_path), service=ServiceOptions(url=(address,), start_s=5))
        with pytest.raises(ServiceMismatchError, match="SERVICE_TOKEN"):
            async with open_face_service(options):
                pass
        async with open_face_service(options, credentials=Secrets(service_token=SecretStr("a token"))) as one:
            assert one.learns
