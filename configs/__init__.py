"""Settings by name: each module has get_config()."""
