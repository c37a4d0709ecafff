"""The colour of an arm, the same in the dashboard and in a report."""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#8A8A8A")
"""Okabe and Ito's, told apart by colour-blind people, without black and yellow, which are lost on
a dark or a light page; the place of an arm in the study file decides, and they come again."""
