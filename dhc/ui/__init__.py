"""Streamlit helpers that the pages share.

frame (first call of every page) · states (empty, loading and error states) · plot (any Plotly figure, clickable, zoom
kept) · gallery (a grid of clickable pictures) · assets (our own JavaScript and CSS, and plotly.min.js). Nothing here
imports Keras or TensorFlow.
"""
