from hypothesis import settings

# No deadline: a busy machine is not a failure. The same examples every time: a failure is there for everybody.
settings.register_profile("statistics", deadline=None, derandomize=True)
settings.load_profile("statistics")
