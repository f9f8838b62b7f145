"""Pure computation on the records of a run: no files, no Keras, no Streamlit."""
