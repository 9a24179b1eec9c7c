"""A network as a picture: folded (fold), laid out (layout), drawn (svg)."""
