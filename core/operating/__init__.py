"""What whoever runs a lab for others looks at: logs, metrics, whether a process is well."""
