"""`python -m core`: one file a group of commands, each command beside its flags."""
