"""The lab's version: of what is written to be read elsewhere."""

VERSION = "1.0.dev0"
