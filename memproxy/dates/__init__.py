"""Dates in people's words, and the days they mean: for what extraction keeps and for what recall is asked."""
