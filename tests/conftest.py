"""Fixtures and hooks of all tests lie in `shared_fixtures`."""


def pytest_configure(config):
    """Load them where tests run: with `pytest -n`, in its workers alone.

    They import TensorFlow, which takes seconds.
    """
    if not config.getoption("numprocesses", None):
        config.pluginmanager.import_plugin("shared_fixtures")
