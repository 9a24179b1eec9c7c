"""The tables of the catalogue, one family a file: titles, sources, options, widths. No torch."""
