"""Where the files of runs lie: a folder, or an address that several machines share."""
