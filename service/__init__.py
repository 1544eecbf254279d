"""The doors: command line and HTTP. They translate and nothing more; the work is done in `training`."""
