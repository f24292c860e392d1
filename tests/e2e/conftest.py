"""What several end-to-end files share."""

import pytest

from tests.support.real_model import model_server, need_model


@pytest.fixture(scope="session")
def model_url():
    """A real model's server: started once, and only where a test asks for it."""
    need_model()
    with model_server() as url:
        yield url
