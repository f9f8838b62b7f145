"""Streamlit helpers that the pages share.

frame (first call of every page) · states (empty, loading and error states) · plot (any Plotly figure, clickable, zoom kept) · gallery (a grid of
clickable pictures) · assets (our own JavaScript, CSS and plotly.min.js). Nothing here reads run folders or knows a model; nothing here imports
Keras or TensorFlow.
"""
