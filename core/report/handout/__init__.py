"""One file that shows a view without the lab: what it holds, and how it is written as HTML."""
