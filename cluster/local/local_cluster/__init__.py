"""A whole cluster on one machine: its processes, networks, databases, the faults that hit them, and the judge of what they published."""
