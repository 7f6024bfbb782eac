"""Recall: candidates → rank → pack → render, over one entity's memory held in process."""
