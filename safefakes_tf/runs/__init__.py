"""One file per `--mode`: `run(config, workdir)` tells that mode from start to end."""
