"""The engine of a Ray cluster: a dispatcher gives each job to a node that has room for it.

The store stays the truth. `own_node.py` starts and ends Ray on this machine, `connection.py` finds
a cluster, `nodes.py` is what its nodes have, `placing.py` which jobs go where, `dispatcher.py` the
process that does it, `tasks.py` what it lets nodes execute, `child.py` the dispatcher of a page
server.
"""
