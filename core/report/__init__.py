"""Records to what people see: figures, tables, sentences, pictures."""
