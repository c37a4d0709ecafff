"""Workers on the machines of a Ray cluster: one actor each, which holds a worker process as the
local engine does.

Driver (`engine`) <-> client (`client`, a process of its own, the only one that imports Ray beside
the actors) <-> actor (`actor`, on any node) <-> `host` <-> worker process. Ray ends the process
that is connected to it where the head of its cluster dies, takes its signal handlers, and threads
of its own run in it: so this is not the driver, which keeps the record.
"""
