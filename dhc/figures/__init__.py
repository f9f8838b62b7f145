"""Records to Plotly figures: no files, no Streamlit, no fixed text colours."""
