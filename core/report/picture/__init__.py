"""A network as a picture: folded (fold), labeled (labels), laid out (layout), drawn (svg)."""
