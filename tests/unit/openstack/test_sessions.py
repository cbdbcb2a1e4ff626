"""Sessions that stacks share. Nothing here logs in."""

from __future__ import annotations

import pytest
from openstack.config import loader

from kraj.openstack.sessions import with_shared_session


@pytest.fixture
def region_of():
    """The settings of a user as openstacksdk has them."""

    def build(user, **options):
        auth = {
            "auth_url": "http://192.0.2.1:5000/v3",
            "username": user,
            "password": "x",
            "user_domain_id": "default",
            "project_id": "one",
        }
        config = loader.OpenStackConfig(load_yaml_config=False, load_envvars=False)
        return with_shared_session(config.get_one(auth=auth, auth_type="v3password", **options))

    return build


def adapters_of(region):
    return {id(adapter) for adapter in region.get_session().session.adapters.values()}


def test_the_same_credentials_have_one_session(region_of):
    assert region_of("one").get_session() is region_of("one").get_session()
    assert region_of("one").get_session() is not region_of("two").get_session()


def test_several_credentials_draw_on_one_pool_of_connections(region_of):
    assert adapters_of(region_of("one")) == adapters_of(region_of("two"))


def test_connections_that_are_secured_otherwise_are_not_shared(region_of):
    assert not adapters_of(region_of("one")) & adapters_of(region_of("one", verify=False))
