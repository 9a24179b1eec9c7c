"""Records to Plotly figures."""
